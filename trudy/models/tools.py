"""Tools: what an agent may do during a call, and a builder for the definition of one that calls a URL."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias, cast

from attrs import Factory, field, frozen

from trudy.errors import InvalidArgumentError
from trudy.models._fields import own_id, shown_link, wire
from trudy.models._wire import Model, to_wire
from trudy.models.common import ResponseMeta
from trudy.options import JSON, NOT_GIVEN, NotGiven

HttpMethod: TypeAlias = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
ParameterLocation: TypeAlias = Literal["body", "query", "header"]
ParameterType: TypeAlias = Literal["string", "number", "integer", "boolean", "array", "object"]

_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_LOCATIONS: Final = ("body", "query", "header")
_TOOL_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")


@frozen(kw_only=True)
class ToolParameter:
    """One parameter of an `HttpTool`: filled in by the agent, or with a `value` the same each time."""

    name: str
    location: ParameterLocation | None = None
    """Where it goes; by default the query of a GET or DELETE and the body of all else."""
    type: ParameterType = "string"
    description: str | None = None
    """Tells the agent what to fill in."""
    enum: Sequence[str] | None = None
    """The values that the agent may choose from."""
    required: bool = True
    """Whether the agent must fill it in."""
    schema: Mapping[str, JSON] | None = field(default=None, hash=False)
    """A JSON schema in place of `type`, `description` and `enum`."""
    value: JSON | NotGiven = field(default=NOT_GIVEN, hash=False, repr=lambda v: repr(v) if v is NOT_GIVEN else "'***'")
    """Sent each time and never shown to the agent, such as a key of your own service."""

    def __attrs_post_init__(self) -> None:
        if not self.name:
            raise InvalidArgumentError("a parameter of a tool needs a name", argument="parameters")
        if self.location is not None and self.location not in _LOCATIONS:
            raise InvalidArgumentError(f"location must be one of {', '.join(_LOCATIONS)}", argument="location")

    def to_wire(self, location: ParameterLocation) -> dict[str, Any]:
        """The documented form. `location` is used where the parameter names none."""
        head = {"name": self.name, "location": f"PARAMETER_LOCATION_{(self.location or location).upper()}"}
        if not isinstance(self.value, NotGiven):
            return {**head, "value": to_wire(self.value)}
        schema = self.schema
        if schema is None:
            described = {"description": self.description, "enum": None if self.enum is None else list(self.enum)}
            schema = {"type": self.type, **{name: value for name, value in described.items() if value is not None}}
        return {**head, "schema": to_wire(schema), "required": self.required}


@frozen(kw_only=True)
class HttpTool:
    """The definition of a tool that calls a URL of yours. `to_dict()` is the documented form.

    The API documents three forms; this writes that of the guide to custom tools, which is the voice provider's own.
    """

    url: str = field(repr=shown_link)
    """Where the request goes, with `https://`."""
    method: HttpMethod = "GET"
    """The HTTP verb."""
    name: str | None = None
    """What the agent calls it: 1 to 64 letters, digits, `_` and `-`; the server makes it from the tool's name."""
    description: str | None = None
    """Tells the agent when to use it."""
    parameters: Sequence[ToolParameter] = ()
    """What it sends: filled in by the agent, or the same each time."""
    security: Mapping[str, JSON] | None = field(default=None, hash=False, repr=lambda v: "None" if v is None else "***")
    """`requirements.httpSecurityOptions`, as it is."""

    def __attrs_post_init__(self) -> None:
        if not self.url.startswith(("https://", "http://")):
            raise InvalidArgumentError("url must start with https:// or http://", argument="url")
        if self.method not in _METHODS:
            raise InvalidArgumentError(f"method must be one of {', '.join(_METHODS)}", argument="method")
        if self.name is not None and not _TOOL_NAME.fullmatch(self.name):
            raise InvalidArgumentError("name must be 1 to 64 letters, digits, _ and -", argument="name")
        if not _are_parameters(self.parameters):
            raise InvalidArgumentError("parameters must be a list of ToolParameter", argument="parameters")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, in the documented form."""
        location: ParameterLocation = "query" if self.method in ("GET", "DELETE") else "body"
        dynamic = [p.to_wire(location) for p in self.parameters if isinstance(p.value, NotGiven)]
        static = [p.to_wire(location) for p in self.parameters if not isinstance(p.value, NotGiven)]
        members: dict[str, Any] = {
            "modelToolName": self.name,
            "type": "http",
            "description": self.description,
            "dynamicParameters": dynamic or None,
            "staticParameters": static or None,
            "http": {"baseUrlPattern": self.url, "httpMethod": self.method},
            "requirements": None if self.security is None else {"httpSecurityOptions": to_wire(self.security)},
        }
        return {name: value for name, value in members.items() if value is not None}


def _are_parameters(given: object) -> bool:
    if not isinstance(given, Sequence):
        return False
    return all(isinstance(parameter, ToolParameter) for parameter in cast("Sequence[object]", given))


ToolDefinitionParam: TypeAlias = HttpTool | Mapping[str, object]


def _of_definition(*names: str) -> Any:
    """Finds the first of these members that is text, in the definition or in its `http`."""

    def find(tool: Tool) -> str | None:
        definition = tool.definition or {}
        http = definition.get("http")
        holders = [cast("Mapping[str, object]", http), definition] if isinstance(http, Mapping) else [definition]
        found = (holder.get(name) for holder in holders for name in names)
        return next((value for value in found if isinstance(value, str)), None)

    return Factory(find, takes_self=True)


def _parameters(value: object) -> tuple[Mapping[str, Any], ...]:
    """A list of objects, or one object that describes all."""
    if isinstance(value, dict):
        return (cast("Mapping[str, Any]", value),) if value else ()
    if isinstance(value, list) and all(isinstance(item, dict) for item in cast("list[object]", value)):
        return tuple(cast("list[Mapping[str, Any]]", value))
    raise ValueError("are no parameters")


@frozen(kw_only=True)
class Tool(Model):
    """A tool as the server has it. A member that the server did not send is None or empty."""

    id: str = field(metadata=own_id("tool"))
    """Opaque; a UUID, or `tool_...` in examples of 2026-03 and 04."""
    name: str = ""
    definition: Mapping[str, Any] | None = field(default=None, hash=False, repr=False)
    """What it does, in one of three forms; before 2026-03. May hold secrets of your service."""
    type: str | None = None
    """Such as `http`."""
    description: str | None = field(default=_of_definition("description"), repr=False)
    """Tells the agent when to use it; from `definition` where the server sends it only there."""
    status: str | None = None
    """Early server only."""
    url: str | None = field(
        default=_of_definition("baseUrlPattern", "url", "base_url"),
        repr=shown_link,
        metadata=wire("url", "endpoint"),
    )
    """Where it calls; from `definition` where the server sends it only there."""
    method: str | None = field(default=_of_definition("httpMethod", "method"))
    """The HTTP verb; from `definition` where the server sends it only there."""
    endpoint: str | None = field(default=None, repr=shown_link)
    """Where it calls, as the early server names it; `url` has it too."""
    parameters: tuple[Mapping[str, Any], ...] = field(
        default=(), hash=False, repr=False, metadata=wire(read=_parameters)
    )
    """What the agent fills in, in the server's own form: one object a parameter, or one JSON schema."""
    authentication: Mapping[str, Any] | None = field(default=None, hash=False, repr=False)
    """How its requests identify themselves; early server only. May hold secrets of your service."""
    category: str | None = None
    """Early server only."""
    headers: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """Headers of its requests; 2026-03 and later, like the next two. May hold secrets of your service."""
    body_template: str | None = field(default=None, repr=False)
    timeout_seconds: float | None = None
    created_at: datetime | None = None
    """UTC."""
    updated_at: datetime | None = field(default=None, repr=False)
    """UTC."""
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """What the server sent beyond the above: unknown members, other spellings, values that could not be read."""
    meta: ResponseMeta | None = field(default=None, eq=False, repr=False)
    """Facts of the answer this came in."""
