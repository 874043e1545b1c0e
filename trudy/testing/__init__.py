"""Fixtures and sample events for tests of code that uses this library. Names are loaded when first used.

    plugin.py        pytest fixtures: a sandbox, and clients of it
    deliveries.py    signed deliveries, to post to a receiver
    events.py        events, to pass to a handler

.. include:: README.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trudy.testing.deliveries import Delivery as Delivery
    from trudy.testing.deliveries import make_delivery as make_delivery
    from trudy.testing.events import make_event as make_event
else:
    from trudy._lazy import lazy_names

    __getattr__, __dir__ = lazy_names(__name__)
