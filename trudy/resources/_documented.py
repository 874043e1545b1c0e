"""What the API documents completely: members of objects that are sent, and words that a list can be filtered by.

Any other member or word is refused before anything is sent, since a server may ignore it: a misspelt
`recording_enabled` would record, or not, against the caller's will.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

import attrs

from trudy._masking import mask_text, one_line
from trudy.errors import InvalidArgumentError

if TYPE_CHECKING:
    from trudy.models import Model, OpenWord

_OBJECTS: Final = {
    "call_settings": "CallSettings",
    "greeting_settings": "GreetingSettings",
    "vad_settings": "VADSettings",
    "inactivity_messages": "InactivityMessage",
    "contacts": "BatchContactInput",
}
"""Arguments, of any operation, that are such an object or a list of them; and its model."""
_LISTS: Final = frozenset({"inactivity_messages", "contacts"})
_FLAGS: Final = frozenset({"recording_enabled", "transcription_enabled", "uninterruptible", "retry_failed"})
"""Arguments and members that are true or false. A server may take any text, `"false"` too, for true."""
_MAPPINGS: Final = frozenset({"variables", "custom_fields", "metadata"})
_LISTS_OF_IDS: Final = frozenset({"tools", "knowledge_bases", "phone_number_ids", "contact_ids"})
_SHOWN: Final = 40


def closed(value: object, name: str) -> object:
    """An argument, its mappings checked and written under the wire's names; arguments not in the list are unchanged."""
    if name not in _OBJECTS or value is None or not _is_given(value):
        return value
    if name not in _LISTS:
        return closed_object(value, name)
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Sequence):
        raise InvalidArgumentError(f"{name} must be a list of {_OBJECTS[name]} or mappings", argument=name)
    return [closed_object(item, f"{name}[{index}]") for index, item in enumerate(cast("Sequence[object]", value))]


def closed_object(value: object, name: str) -> object:
    """One object of an argument, such as `call_settings` or `contacts[3]`."""
    argument = name.partition("[")[0]
    kind = _OBJECTS[argument]
    model = _model(kind)
    if isinstance(value, model):
        return value
    if not isinstance(value, Mapping):
        found = type(value).__name__
        raise InvalidArgumentError(f"{name} must be a {kind} or a mapping, not {found}", argument=argument)
    names = _wire_names(kind)
    result: dict[str, object] = {}
    for key, member in cast("Mapping[object, object]", value).items():
        if not isinstance(key, str):
            raise InvalidArgumentError(
                f"{name}: names of members are text, not {type(key).__name__}", argument=argument
            )
        if key not in names:
            raise InvalidArgumentError(
                f"{name} has no member {_shown(key)}{_nearest(key, tuple(names))}; there are"
                f" {', '.join(dict.fromkeys(names.values()))}. What this version does not know goes into"
                f" {kind}(extra=...) or extra_body",
                argument=argument,
            )
        result[names[key]] = member
    return result


def check_shape(wire: object, name: str) -> None:
    """The JSON form of an argument that is null, or a flag, a mapping, or a list of ids by its name."""
    if wire is None:
        return
    if name in _FLAGS and not isinstance(wire, bool):
        raise InvalidArgumentError(f"{name} must be True or False", argument=name)
    if name in _MAPPINGS and not isinstance(wire, Mapping):
        raise InvalidArgumentError(f"{name} must be a mapping", argument=name)
    if name in _LISTS_OF_IDS and not (
        isinstance(wire, list) and all(isinstance(item, str) for item in cast("list[object]", wire))
    ):
        raise InvalidArgumentError(f"{name} must be a list of ids", argument=name)
    if name in _OBJECTS and isinstance(wire, Mapping):
        for member, value in cast("Mapping[str, object]", wire).items():
            if member in _FLAGS and not isinstance(value, bool | None):
                raise InvalidArgumentError(f"{name}: {member} must be True or False", argument=name)


def check_words(query: Mapping[str, object], model: type[object]) -> None:
    """Check the filters of a list that are words of its rows, such as `status`."""
    kinds = _words(cast("type[attrs.AttrsInstance]", model))
    for name, value in query.items():
        if name in kinds and value is not None and _is_given(value):
            check_word(value, kinds[name], name)


def check_word(value: object, kind: type[OpenWord], name: str, *, around: str = "extra_query") -> None:
    """Check a documented word, in any spelling. A word that came from a server, as part of a model, passes too."""
    if isinstance(value, kind) or (isinstance(value, str) and kind(value).is_known):
        return
    known = tuple(member.value for member in kind)
    near = _nearest(value, known) if isinstance(value, str) else ""
    raise InvalidArgumentError(
        f"{name} must be one of {', '.join(known)}{near}; other words of a server go into {around}", argument=name
    )


def _is_given(value: object) -> bool:
    from trudy.options import NotGiven

    return not isinstance(value, NotGiven)


def _model(name: str) -> type[Model]:
    import trudy.models

    return cast("type[Model]", getattr(trudy.models, name))


@cache
def _wire_names(kind: str) -> Mapping[str, str]:
    """For each spelling of a member the one that is sent."""
    from trudy.models._fields import OWN, wire_of

    fields: tuple[attrs.Attribute[Any], ...] = attrs.fields(cast("type[attrs.AttrsInstance]", _model(kind)))
    pairs = [(a.name, wire_of(a).names) for a in fields if a.name not in OWN]
    return {spelling: names[0] for own, names in pairs for spelling in (*names, own)}


@cache
def _words(model: type[attrs.AttrsInstance]) -> Mapping[str, type[OpenWord]]:
    from trudy.models import OpenWord
    from trudy.models._fields import wire_of

    found: dict[str, type[OpenWord]] = {}
    for attribute in attrs.fields(attrs.resolve_types(model)):
        kind = attribute.type
        if isinstance(kind, type) and issubclass(kind, OpenWord):
            found.update(dict.fromkeys((attribute.name, *wire_of(attribute).names), kind))
    return found


def _nearest(word: str, known: Sequence[str]) -> str:
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def _shown(key: str) -> str:
    text = one_line(mask_text(key))
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")
