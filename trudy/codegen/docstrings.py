"""Docstrings of the sync client, read for the help of the `trudy` command."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Final, Self

from attrs import frozen

from trudy.codegen.methods import CodegenError

_ENDPOINT: Final = re.compile(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`]*)`")
_SECTION: Final = re.compile(r"^(Args|Attributes|Returns|Raises):$", re.MULTILINE)
_ARGUMENT: Final = re.compile(r"^ {4}([\w, ]+): ", re.MULTILINE)
_SENTENCE: Final = re.compile(r"(?<=[.])\s")
_SHORT: Final = 140
"""Characters of the help of one argument: two lines of it. The guide of the room tells the rest."""
_WORDS: Final = (
    (": `create`, then `wait`", ""),
    ("; seconds or a `timedelta` are taken too", ""),
    ("the variable `trudy_ref`", "the variable trudy_ref"),
    ("; only what is given changes, `None` clears", "; only what is given changes"),
    ("Only what is given changes, `None` clears.", "Only what is given changes."),
    (" The arguments are those of `create`.", ""),
    ("The arguments are those of `create`.", ""),
    (", None for any number", ""),
    ("; now if left out or None", "; now if left out"),
    ("; an aware datetime, or ISO 8601 text", ""),
    ("`HH:MM`, or a `time` of a full minute without a zone", "HH:MM"),
    (": a path, a file open for reading bytes, or a pair of file name and bytes", ""),
    ("a path, a file open for reading bytes, bytes, or a pair of file name and bytes", "a file"),
    (", or a file open for writing bytes", ""),
    (", or a `Timeout`", ""),
    ("; `None` for no bound", ""),
    ("any iterable, asynchronous ones included, of `BatchContactInput`, `Contact` or mappings with a", "people with a"),
    (
        "a `trudy.models.HttpTool`, or a mapping in any form that the server knows, which goes out as it is",
        "what it does",
    ),
    ("a list, or comma-separated text, as which it is sent", "one or more words"),
    (
        "; a generator or a list of this client, such as `client.contacts.list(folder_id=...)`, is read as it is sent",
        "",
    ),
    ("the client's `default_headers`", "those of the command"),
)
"""What a docstring says to a Python programmer, and what it means in a shell."""


@frozen(kw_only=True)
class Docstring:
    """The parts of a docstring."""

    summary: str
    endpoint: str
    about: tuple[str, ...]
    arguments: Mapping[str, str]
    refers_to: tuple[str, ...]
    """Methods that it names, whose lines may hold for its arguments too."""

    @classmethod
    def of(cls, thing: object) -> Self:
        """The docstring of a method or class.

        Raises:
            CodegenError: it has none.
        """
        text = inspect.getdoc(thing)
        if not text:
            raise CodegenError(f"{getattr(thing, '__qualname__', thing)}: no docstring to make help of")
        parts = _SECTION.split(text)
        sections = dict(zip(parts[1::2], parts[2::2], strict=True))
        names = re.findall(r"`(\w+)`", parts[0])
        head, *about = [" ".join(paragraph.split()) for paragraph in parts[0].split("\n\n") if paragraph.strip()]
        summary = _SENTENCE.split(head)[0]
        endpoint = _ENDPOINT.search(head)
        return cls(
            summary=summary,
            endpoint=endpoint[1] if endpoint else "",
            about=tuple(about),
            arguments=_arguments(sections.get("Args") or sections.get("Attributes") or ""),
            refers_to=tuple(names),
        )


def for_a_shell(text: str, words: Mapping[str, str] | None = None) -> str:
    """A sentence of a docstring as help: Python's words in a shell's, names of arguments and methods likewise."""
    for python, shell in _WORDS:
        text = text.replace(python, shell)
    is_a_word = text.startswith("`")
    text = re.sub(r"`?(\w+)=\"(\w+)\"`?", r"--\1 \2", text)
    text = re.sub(r"`\"([^\"`]+)\"`", r"\1", text)
    text = re.sub(r"`(\w+\.\w+)`", lambda found: found[1].replace(".", " ").replace("_", "-"), text)
    for name, word in (words or {}).items():
        text = text.replace(f"`{name}`", word)
    text = " ".join(text.replace("`", "").split())
    if not is_a_word:
        text = text[:1].upper() + text[1:]
    return text + ("" if not text or text.endswith(".") else ".")


def shortened(text: str) -> str:
    """The first sentence, and those after it as far as they are short."""
    first, *others = _SENTENCE.split(text)
    for sentence in others:
        if len(first) + len(sentence) > _SHORT:
            break
        first = f"{first} {sentence}"
    return first


def _arguments(section: str) -> dict[str, str]:
    """Each argument's text, on one line."""
    found = list(_ARGUMENT.finditer(section))
    ends = [*(match.start() for match in found[1:]), len(section)] if found else []
    return {
        name.strip(): " ".join(section[match.end() : end].split())
        for match, end in zip(found, ends, strict=True)
        for name in match[1].split(",")
    }
