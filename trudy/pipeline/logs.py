"""`TRUDY_LOG=debug` shows what the client does, in a script that sets up no logging."""

from __future__ import annotations

import logging
import os
from typing import Final

logger = logging.getLogger("trudy")
_LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    **dict.fromkeys(("1", "true", "yes", "on"), logging.DEBUG),
}
_OFF: Final = ("", "0", "false", "no", "off", "none")


def log_as_environment_says() -> None:
    """Read `TRUDY_LOG`; adds one handler to the logger `trudy`, unless somebody handles it already.

    Another word is logged as wrong and changes nothing: a setting for logs must not stop a program.
    """
    word = os.environ.get("TRUDY_LOG", "").strip().lower()
    if word in _OFF:
        return
    level = _LEVELS.get(word)
    if level is None:
        logger.warning("TRUDY_LOG is no level and is ignored; use debug, info, warning, error or critical")
        return
    logger.setLevel(level)
    if not logger.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
        logger.addHandler(handler)
