# Generated from trudy/dialer/do_not_call.py by `python -m trudy.codegen`; change the source, never this file.
"""The numbers that no campaign of a store calls: added by hand, from a file, or heard in a call."""

from __future__ import annotations

import os

from trudy.bridge import SyncResource, bind
from trudy.dialer.do_not_call import DoNotCall


class SyncDoNotCall(SyncResource[DoNotCall]):
    """The numbers that no campaign of the store calls."""

    def add(self, *numbers: str, source: str = "by hand") -> int:
        """Never call these again; how many were new. Takes effect before the next claim."""
        return self._bridge.run(bind(self._async.add, *numbers, source=source))

    def import_file(self, path: str | os.PathLike[str], *, column: str | None = None) -> int:
        """Add every number of a file; how many were new.

        Args:
            path: CSV, XLSX or JSON lines.
            column: where the numbers are; else the column that looks like it, or the first.

        Raises:
            InvalidArgumentError: a row that holds no number, named by its line. Nothing is added then.
        """
        return self._bridge.run(bind(self._async.import_file, path, column=column))

    def remove(self, number: str) -> bool:
        """Let a number be called again; whether it was on the list."""
        return self._bridge.run(bind(self._async.remove, number))
