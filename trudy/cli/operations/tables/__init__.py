# Generated from trudy/sync/ by `python -m trudy.codegen`; change the source, never this file.
"""The commands of the API: a file a resource, and the line of each in the help."""

from __future__ import annotations

from typing import Final

RESOURCES: Final = {
    "agents": "Make, read, change and delete them.",
    "batch-calls": "Campaigns that the server dials by itself: make, fill, start, pause, follow.",
    "calls": "Place them, wait for their end, read transcript and recording.",
    "contacts": "Make, read, change and delete them, or import them from a file.",
    "knowledge-bases": "Make, fill, read, change and delete them.",
    "telephony": "Phone numbers, and which agent uses them.",
    "tools": "Make, read, change and delete them.",
    "voices": "List, import, clone, change and delete them.",
    "webrtc": "Calls from a browser.",
}
