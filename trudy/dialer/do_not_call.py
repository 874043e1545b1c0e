"""The numbers that no campaign of a store calls: added by hand, from a file, or heard in a call."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import field, frozen

from trudy import _checks
from trudy.dialer.contacts import numbers_in

if TYPE_CHECKING:
    from trudy.dialer.control import CampaignControl


@frozen(eq=False)
class DoNotCall:
    """The numbers that no campaign of the store calls."""

    _dialer: CampaignControl = field(repr=False)

    async def add(self, *numbers: str, source: str = "by hand") -> int:
        """Never call these again; how many were new. Takes effect before the next claim."""
        _checks.non_empty(source, "source")
        read = [self._dialer.e164(number) for number in numbers]
        return await self._dialer.store.add_do_not_call(read, source, self._dialer.now())

    async def import_file(self, path: str | os.PathLike[str], *, column: str | None = None) -> int:
        """Add every number of a file; how many were new.

        Args:
            path: CSV, XLSX or JSON lines.
            column: where the numbers are; else the column that looks like it, or the first.

        Raises:
            InvalidArgumentError: a row that holds no number, named by its line. Nothing is added then.
        """
        _checks.path(path, "path")
        numbers = await numbers_in(path, self._dialer.region, "path", column=column)
        return await self._dialer.store.add_do_not_call(numbers, Path(path).name, self._dialer.now())

    async def remove(self, number: str) -> bool:
        """Let a number be called again; whether it was on the list."""
        return await self._dialer.store.remove_do_not_call(self._dialer.e164(number), self._dialer.now())
