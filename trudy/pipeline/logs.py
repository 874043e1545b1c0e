"""`TRUDY_LOG=debug` shows what the client does, in a script that sets up no logging."""

from __future__ import annotations

import logging
import os

from trudy.errors import ConfigurationError

logger = logging.getLogger("trudy")
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}


def log_as_environment_says() -> None:
    """Read `TRUDY_LOG`; adds one handler to the logger `trudy`, unless somebody handles it already."""
    word = os.environ.get("TRUDY_LOG", "").strip().lower()
    if not word:
        return
    if word not in _LEVELS:
        raise ConfigurationError(f"TRUDY_LOG must be one of {', '.join(_LEVELS)}")
    logger.setLevel(_LEVELS[word])
    if not logger.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
        logger.addHandler(handler)
