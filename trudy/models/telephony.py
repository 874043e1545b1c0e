"""Phone numbers: those for sale, those you have, and which agent uses them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias, cast

from attrs import field, frozen

from trudy._parse import identifier
from trudy.models._fields import OpenWord, id_of, own_id, shown_link, shown_phone, wire
from trudy.models._wire import Model
from trudy.models.agents import NumberRef
from trudy.models.common import ResponseMeta

AssignmentTypeName: TypeAlias = Literal["inbound", "outbound"]
NumberTypeName: TypeAlias = Literal["local", "toll_free", "mobile", "national"]
ProviderTypeName: TypeAlias = Literal["telnyx", "twilio", "custom_sip"]


class NumberType(OpenWord):
    """What kind of number it is. The guide's `toll-free` is read as `TOLL_FREE`."""

    LOCAL = "local"
    TOLL_FREE = "toll_free"
    MOBILE = "mobile"
    NATIONAL = "national"


class ProviderType(OpenWord):
    """The carrier of a number."""

    TELNYX = "telnyx"
    TWILIO = "twilio"
    CUSTOM_SIP = "custom_sip"


class AssignmentType(OpenWord):
    """What an agent uses a number for."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


_NO_NUMBER_TYPE = NumberType("")
_NO_PROVIDER = ProviderType("")
_NO_ASSIGNMENT = AssignmentType("")


@frozen(kw_only=True)
class PhoneNumber(Model):
    """A number you have. Members other than `id` and `phone_number` are inferred from an early server."""

    id: str = field(metadata=own_id("number"))
    """Opaque; a UUID, or `num_...` in examples of 2026-03 and 04."""
    phone_number: str | None = field(default=None, repr=shown_phone, metadata=wire("phone_number", "number"))
    """E.164."""
    status: str | None = None
    agent_id: str | None = field(default=None, metadata=id_of("agent"))
    inbound_agent_id: str | None = field(default=None, metadata=wire(read=identifier))
    """The agent that answers it."""
    outbound_agent_id: str | None = field(default=None, metadata=wire(read=identifier))
    """The agent that calls from it."""
    is_trudy_managed: bool | None = None
    """Whether it was bought here, not imported."""
    provider_type: ProviderType = _NO_PROVIDER
    """An open enum; the empty word where the server sent none."""
    friendly_name: str | None = None
    created_at: datetime | None = None
    """UTC."""
    updated_at: datetime | None = field(default=None, repr=False)
    """UTC."""
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """What the server sent beyond the above: unknown members, other spellings, values that could not be read."""
    meta: ResponseMeta | None = field(default=None, eq=False, repr=False)
    """Facts of the answer this came in."""


@frozen(kw_only=True)
class AvailableNumber(Model):
    """A number that can be bought."""

    phone_number: str = field(repr=shown_phone)
    """E.164."""
    phone_number_type: NumberType = _NO_NUMBER_TYPE
    """An open enum; the empty word where the server sent none. Guide only."""
    range: Any = field(default=None, hash=False, repr=False)
    """As the carrier sends it: an object, text or a number."""
    region_information: Any = field(default=None, hash=False, repr=False)
    """As the carrier sends it: a list or an object."""
    features: tuple[Any, ...] = field(default=(), hash=False, repr=False)
    """As the carrier sends them: texts, or objects with a `name`. `feature_names` has the names of both."""
    cost_information: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """As the carrier sends it, such as `monthly_cost`, `upfront_cost` and `currency`."""
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """What the server sent beyond the above: unknown members, other spellings, values that could not be read."""
    meta: ResponseMeta | None = field(default=None, eq=False, repr=False)
    """Facts of the answer this came in."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """What it can do, such as `voice` and `sms`."""
        named = (cast("Mapping[str, object]", f).get("name") if isinstance(f, Mapping) else f for f in self.features)
        return tuple(name for name in named if isinstance(name, str))


@frozen(kw_only=True)
class ProvisionedNumber(Model):
    """A number that was bought or imported. Members inferred from an early server."""

    id: str | None = field(default=None, metadata=own_id("number"))
    """Opaque; the id to assign it by."""
    phone_number: str = field(repr=shown_phone, metadata=wire("phone_number", "number", "phone"))
    """E.164; as it was asked for where the server does not repeat it."""
    credential_id: str | None = field(default=None, metadata=id_of("credential"))
    """The id of your carrier's stored credentials, where the number was imported."""
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """What the server sent beyond the above: unknown members, other spellings, values that could not be read."""
    meta: ResponseMeta | None = field(default=None, eq=False, repr=False)
    """Facts of the answer this came in."""


@frozen(kw_only=True)
class NumberAssignment(Model):
    """What assign and unassign answer."""

    phone_number: str | None = field(default=None, repr=shown_phone, metadata=wire("number", "phone_number"))
    """E.164 (wire: `number`)."""
    number_id: str | None = field(default=None, metadata=id_of("number", "id"))
    agent_id: str | None = field(default=None, metadata=id_of("agent"))
    """None after unassign."""
    assignment_type: AssignmentType = _NO_ASSIGNMENT
    """An open enum; the empty word where the server sent none."""
    assigned_at: datetime | None = None
    """UTC."""
    unassigned_at: datetime | None = None
    """UTC."""
    unassigned: bool | None = None
    """Early server only."""
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """What the server sent beyond the above: unknown members, other spellings, values that could not be read."""
    meta: ResponseMeta | None = field(default=None, eq=False, repr=False)
    """Facts of the answer this came in."""


@frozen(kw_only=True)
class AgentNumbers(Model):
    """The numbers of one agent."""

    inbound: tuple[NumberRef, ...] = ()
    """Numbers that it answers."""
    outbound: tuple[NumberRef, ...] = ()
    """Numbers that it may call from; without one no call can be placed."""
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """Members that this version does not know, and values it could not read."""
    meta: ResponseMeta | None = field(default=None, eq=False, repr=False)
    """Facts of the answer this came in."""


@frozen(kw_only=True)
class AgentWebhookUrl(Model):
    """Where a carrier of your own sends an agent's incoming calls. It stays the same."""

    webhook_url: str = field(repr=shown_link, metadata=wire("webhook_url", "url"))
    agent_id: str | None = field(default=None, metadata=id_of("agent"))
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """Members that this version does not know, and values it could not read."""
    meta: ResponseMeta | None = field(default=None, eq=False, repr=False)
    """Facts of the answer this came in."""


@frozen(kw_only=True)
class TelephonyCredential(Model):
    """Stored credentials of a carrier of your own; the server never sends the secret back."""

    id: str = field(metadata=own_id("credential"))
    """Opaque."""
    provider_type: ProviderType = field(default=_NO_PROVIDER, metadata=wire("provider_type", "provider"))
    """An open enum; the empty word where the server sent none."""
    friendly_name: str | None = None
    created_at: datetime | None = None
    """UTC."""
    updated_at: datetime | None = field(default=None, repr=False)
    """UTC."""
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """What the server sent beyond the above: unknown members, other spellings, values that could not be read."""
    meta: ResponseMeta | None = field(default=None, eq=False, repr=False)
    """Facts of the answer this came in."""
