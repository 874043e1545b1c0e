"""`python -m trudy.codegen [--check]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from trudy.codegen.files import generated, stale, write
from trudy.codegen.methods import CodegenError


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the sync client, or check it. Returns the exit code."""
    parser = argparse.ArgumentParser("python -m trudy.codegen", description="Write trudy/sync/ and trudy/_exports.py.")
    parser.add_argument("--check", action="store_true", help="write nothing; name stale files and end with code 1")
    parser.add_argument("--package", type=Path, default=Path(__file__).parents[1], help="directory of the package")
    options = parser.parse_args(arguments)
    try:
        files = generated(options.package)
    except CodegenError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    names = sorted(str(path.relative_to(options.package.parent)) for path in stale(files, options.package))
    if options.check:
        for name in names:
            sys.stderr.write(f"stale: {name}; run python -m trudy.codegen\n")
        return 1 if names else 0
    write(files, options.package)
    for name in names:
        sys.stdout.write(f"{name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
