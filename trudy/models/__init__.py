"""Shapes of requests and answers. Each name loads its file when first used, so that this package costs nothing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trudy.models._converter import decode
    from trudy.models._errors import ModelError
    from trudy.models._wire import to_wire
    from trudy.models._words import OpenWord
    from trudy.models.agents import (
        Agent,
        AgentStatus,
        AgentStatusName,
        EndBehavior,
        FirstSpeaker,
        GreetingSettings,
        GreetingSettingsDict,
        GreetingSettingsParam,
        InactivityMessage,
        InactivityMessageDict,
        InactivityMessagesParam,
        NumberRef,
        OutputMedium,
        VADSettings,
        VADSettingsDict,
        VADSettingsParam,
    )
    from trudy.models.calls import (
        Call,
        CallDirection,
        CallDirectionName,
        CallSettings,
        CallSettingsDict,
        CallSettingsParam,
        CallStatus,
        CallStatusName,
        Recording,
    )
    from trudy.models.common import Deleted, Pagination, ResponseMeta
    from trudy.models.transcripts import Transcript, TranscriptTurn

__all__ = [
    "Agent",
    "AgentStatus",
    "AgentStatusName",
    "Call",
    "CallDirection",
    "CallDirectionName",
    "CallSettings",
    "CallSettingsDict",
    "CallSettingsParam",
    "CallStatus",
    "CallStatusName",
    "Deleted",
    "EndBehavior",
    "FirstSpeaker",
    "GreetingSettings",
    "GreetingSettingsDict",
    "GreetingSettingsParam",
    "InactivityMessage",
    "InactivityMessageDict",
    "InactivityMessagesParam",
    "ModelError",
    "NumberRef",
    "OpenWord",
    "OutputMedium",
    "Pagination",
    "Recording",
    "ResponseMeta",
    "Transcript",
    "TranscriptTurn",
    "VADSettings",
    "VADSettingsDict",
    "VADSettingsParam",
    "decode",
    "to_wire",
]

_FILES = {
    "_converter": ("decode",),
    "_errors": ("ModelError",),
    "_wire": ("to_wire",),
    "_words": ("OpenWord",),
    "agents": (
        "Agent",
        "AgentStatus",
        "AgentStatusName",
        "EndBehavior",
        "FirstSpeaker",
        "GreetingSettings",
        "GreetingSettingsDict",
        "GreetingSettingsParam",
        "InactivityMessage",
        "InactivityMessageDict",
        "InactivityMessagesParam",
        "NumberRef",
        "OutputMedium",
        "VADSettings",
        "VADSettingsDict",
        "VADSettingsParam",
    ),
    "calls": (
        "Call",
        "CallDirection",
        "CallDirectionName",
        "CallSettings",
        "CallSettingsDict",
        "CallSettingsParam",
        "CallStatus",
        "CallStatusName",
        "Recording",
    ),
    "common": ("Deleted", "Pagination", "ResponseMeta"),
    "transcripts": ("Transcript", "TranscriptTurn"),
}
_HOME = {name: file for file, names in _FILES.items() for name in names}


def __getattr__(name: str) -> Any:
    file = _HOME.get(name)
    if file is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{file}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
