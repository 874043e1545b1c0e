"""`python -m trudy`: the `trudy` command."""

from __future__ import annotations

import sys

from trudy.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
