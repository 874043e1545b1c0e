"""Open enums: known words are members, the server's other spellings fold into them, a new word stays readable."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Self


class OpenWord(StrEnum):
    """Base of the open enums. Each is a `str`: `status == "completed"` holds, and `status is CallStatus.COMPLETED`.

    A member is named as its word in capitals. Hyphens, blanks and capitals make no difference. A word that no member
    has becomes a value of its own, with `is_known` False; the empty word stands for one that the server did not send.
    """

    @property
    def is_known(self) -> bool:
        """Whether this version of the library knows the word."""
        return type(self).__members__.get(self.name) is self

    @classmethod
    def _synonyms(cls) -> Mapping[str, str]:
        """Words of the server that mean the same as a member's."""
        return {}

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        folded = value.strip().lower().replace("-", "_").replace(" ", "_")
        known = cls.__members__.get(cls._synonyms().get(folded, folded).upper())
        return cls._unknown(value) if known is None else known

    @classmethod
    def _unknown(cls, value: str) -> Self:
        # Not remembered: what a server sends must not fill a table that is never emptied.
        word = str.__new__(cls, value)
        word._name_ = value
        word._value_ = value
        return word

    def __reduce_ex__(self, proto: object) -> tuple[type[Self], tuple[str]]:
        return type(self), (self.value,)

    def __repr__(self) -> str:
        name = type(self).__name__
        return f"{name}.{self.name}" if self.is_known else f"{name}({self.value!r})"
