"""What a table shows of each kind of object, where `--columns` does not say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "Agent": ("id", "name", "status", "voice_name", "language_hint", "created_at"),
    "AvailableNumber": ("phone_number", "phone_number_type", "cost_information.monthly_cost"),
    "BatchCall": ("id", "name", "status", "total_contacts", "called", "created_at"),
    "BatchContact": ("contact_id", "phone_number", "first_name", "call_status", "call_id"),
    "Call": ("id", "status", "phone_number", "duration_seconds", "created_at"),
    "Contact": ("id", "phone_number", "first_name", "last_name", "last_call_outcome"),
    "ContactFolder": ("id", "name", "contact_count", "created_at"),
    "Deleted": ("id", "deleted"),
    "KnowledgeBase": ("id", "name", "status", "created_at"),
    "KnowledgeSource": ("id", "name", "kind", "status"),
    "PhoneNumber": ("id", "phone_number", "status", "agent_id"),
    "TelephonyCredential": ("id", "provider_type", "friendly_name"),
    "Tool": ("id", "name", "method", "url", "created_at"),
    "Voice": ("id", "name", "status", "type", "language"),
}
"""By the class in `trudy.models`, in the names of the wire; the first ones stay where the terminal is narrow."""
