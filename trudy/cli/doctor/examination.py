"""All checks, one after the other; each ends in time, and those that need what has failed are left out."""

from __future__ import annotations

import os
import platform
import ssl
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from attrs import define

from trudy._environment import find_base_url
from trudy._version import __version__
from trudy.cli.connection import open_client
from trudy.cli.doctor import network, verdicts
from trudy.cli.doctor.bounded import within
from trudy.cli.doctor.diagnosis import Diagnosis, failed, fine, skipped
from trudy.cli.doctor.verdicts import AgentLines
from trudy.cli.exit_codes import ExitCode
from trudy.cli.failures import CommandError, failure_of
from trudy.cli.profiles import find_profile
from trudy.errors import (
    APIConnectionError,
    APIError,
    AuthenticationError,
    ConfigurationError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    TrudyError,
)
from trudy.transport.tls_and_proxy import proxy_from_environment

if TYPE_CHECKING:
    from trudy import TrudyClient
    from trudy.cli.shell import Shell
    from trudy.models import Agent

_SLACK: Final = 2.0
"""Seconds added where a limit of the library's own should strike first: its error tells more."""
_AGENTS: Final = 5
"""How many agents are looked at where none is named; each may take a request."""
_REFUSED_KEY: Final = "Run trudy login with a key of this account. A key in TRUDY_API_KEY wins over one that was kept."

_LOG_IN: Final = "Run trudy login again, or set TRUDY_API_KEY."
_UNTRUSTED: Final = (
    "If a proxy or a virus scanner opens TLS here, name its certificate in SSL_CERT_FILE. Look at the date here, too."
)
_NO_TLS: Final = "Look whether address and port are right, and whether https:// is spoken there."


@define(kw_only=True)
class Examination:
    """One run of all checks.

    Attributes:
        seconds: what each check may take.
        agent: id of the agent to look at; the newest if None.
        webhook: URL of a receiver to look at.
    """

    shell: Shell
    seconds: float
    agent: str | None
    webhook: str | None
    _client: TrudyClient | None = None

    def run(self) -> Iterator[Diagnosis]:
        """Each diagnosis as soon as it is there."""
        try:
            yield from self._checks()
        finally:
            if (client := self._client) is not None:
                with suppress(TimeoutError):
                    within(self.seconds, client.close)

    def _checks(self) -> Iterator[Diagnosis]:
        system = f"Python {platform.python_version()}, {platform.system()}"
        yield fine("version", f"trudy {__version__}, {system}")
        yield self._key()
        base_url = self._base_url()
        if isinstance(base_url, Diagnosis):
            yield base_url
            yield from (skipped(name, "needs an address") for name in ("proxy", "TLS", *_OF_API))
        else:
            reached = True
            for one in self._network(base_url):
                reached = reached and one.verdict != "failed"
                yield one
            yield from self._api(reached=reached)
        yield self._receiver()

    def _key(self) -> Diagnosis:
        try:
            self._client = within(self.seconds, lambda: open_client(self.shell))
            profile = None if self._key_variable() else within(self.seconds, lambda: find_profile(self.shell.profile))
        except (TrudyError, CommandError) as error:
            failure = failure_of(error)
            is_setting = isinstance(error, ConfigurationError) and failure.code is ExitCode.NOT_ALLOWED
            advice = _LOG_IN if is_setting else failure.advice
            return failed("key", failure.what, advice, failure.code)
        except TimeoutError as error:
            return failed("key", f"the keyring: {error}", "Unlock it, or set TRUDY_API_KEY.", ExitCode.NOT_ALLOWED)
        if profile is None:
            return fine("key", f"from the environment variable {self._key_variable()}")
        return fine("key", f"of profile {profile.name!r}, kept in the keyring")

    def _key_variable(self) -> str | None:
        names = ("TRUDY_API_KEY", "TRUEDY_API_KEY") if self.shell.profile is None else ()
        return next((name for name in names if os.environ.get(name)), None)

    def _base_url(self) -> str | Diagnosis:
        if self._client is not None:
            return self._client.base_url
        try:
            return find_base_url(self.shell.base_url, allow_http=False)
        except ConfigurationError as error:
            return failed("address", error.message, "Look at TRUDY_BASE_URL and --base-url.", ExitCode.USAGE)

    def _network(self, base_url: str) -> Iterator[Diagnosis]:
        parts = urlsplit(base_url)
        host, is_https = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if is_https else 80)
        try:
            proxy = within(self.seconds, lambda: proxy_from_environment(f"{parts.scheme}://{parts.netloc}"))
        except TimeoutError as error:
            proxy = None
            yield failed("proxy", f"its settings: {error}", "Look at HTTPS_PROXY and NO_PROXY.", ExitCode.NO_ANSWER)
        else:
            yield fine("proxy", "none" if proxy is None else f"{_place(proxy.url)}, of {proxy.source}")
        if proxy is not None:
            via = urlsplit(proxy.url)
            host, port = via.hostname or "", via.port or (443 if via.scheme == "https" else 80)
        what = f"{host}:{port}" if proxy is None else f"the proxy {host}:{port}"
        try:
            took = within(self.seconds + _SLACK, lambda: network.connect_seconds(host, port, self.seconds))
        except OSError as error:
            advice = (
                "Look whether this machine is online, and whether a firewall stops it."
                if proxy is None
                else f"Look at {proxy.source}, or whether the proxy runs."
            )
            yield failed("address", f"{what}: {network.why(error)}", advice, ExitCode.NO_ANSWER)
            yield skipped("TLS", "needs a connection")
            return
        yield fine("address", f"{what} answers in {took * 1000:.0f} ms")
        if not is_https:
            yield skipped("TLS", "not used: this machine itself")
        elif proxy is not None:
            yield skipped("TLS", "goes through the proxy; the API check below includes it")
        else:
            yield self._tls(host, port)

    def _tls(self, host: str, port: int) -> Diagnosis:
        try:
            return verdicts.of_tls(within(self.seconds + _SLACK, lambda: network.handshake(host, port, self.seconds)))
        except OSError as error:
            advice = _UNTRUSTED if isinstance(error, ssl.SSLCertVerificationError) else _NO_TLS
            return failed("TLS", f"{host}: {network.why(error)}", advice, ExitCode.NO_ANSWER)
        except ConfigurationError as error:
            return failed("TLS", error.message, "Mend the variable that it names.", ExitCode.NO_ANSWER)

    def _api(self, *, reached: bool) -> Iterator[Diagnosis]:
        if self._client is None or not reached:
            why = "needs a key" if self._client is None else "needs a connection"
            yield from (skipped(name, why) for name in _OF_API)
            return
        client = self._client
        asked = client.with_options(timeout=self.seconds, deadline=self.seconds, max_retries=0, max_rate_limit_wait=0)
        agents: list[Agent] = []
        try:
            agents = within(self.seconds + _SLACK, lambda: _agents(asked, self.agent))
            yield fine("API", f"{client.base_url} takes the key")
        except (TrudyError, TimeoutError) as error:
            yield _of_fault("API", error)
            yield from self._learned(error)
            yield skipped("agent", "needs an answer of the API")
            return
        yield from self._learned(None)
        try:
            yield within(self.seconds + _SLACK, lambda: _judged(asked, agents, chosen=self.agent is not None))
        except (TrudyError, TimeoutError) as error:
            yield _of_fault("agent", error)

    def _learned(self, error: Exception | None) -> Iterator[Diagnosis]:
        """What the answers told of the server's clock and of the rate limit."""
        assert self._client is not None  # noqa: S101  # the caller has asked it
        clock, limit = self._client.server_clock, self._client.rate_limit
        if clock is None:
            yield skipped("clock", "no answer told the server's time")
        else:
            yield verdicts.of_clock(clock.offset, clock.uncertainty)
        if isinstance(error, RateLimitError):
            yield failed(
                "rate limit",
                f"reached: {error.limit or 'an unknown number of'} requests a minute",
                "Something else uses this key now; wait a minute, or give each program a key of its own.",
                ExitCode.RATE_LIMIT,
            )
        elif isinstance(error, APIError) or error is None:
            yield verdicts.of_rate_limit(None if limit is None else limit.limit, 0 if limit is None else limit.used)
        else:
            yield skipped("rate limit", "needs an answer of the API")

    def _receiver(self) -> Diagnosis:
        if self.webhook is None:
            return skipped("webhook", "no receiver was named", "trudy doctor --webhook URL looks at one.")
        url, parts = self.webhook, urlsplit(self.webhook)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            is_local = within(self.seconds, lambda: network.is_private(host, port))
            status = within(self.seconds + _SLACK, lambda: network.unsigned_delivery(url, self.seconds))
        except OSError as error:
            advice = "Start the receiver, or look at the address; trudy listen --forward-to URL needs no public one."
            return failed("webhook", f"{host}:{port}: {network.why(error)}", advice, ExitCode.NO_ANSWER)
        return verdicts.of_receiver(status, host=host, is_local=is_local, is_https=parts.scheme == "https")


_OF_API: Final = ("API", "clock", "rate limit", "agent")


def _agents(client: TrudyClient, agent: str | None) -> list[Agent]:
    return [client.agents.get(agent)] if agent is not None else list(client.agents.list(limit=_AGENTS))


def _judged(client: TrudyClient, agents: list[Agent], *, chosen: bool) -> Diagnosis:
    """Reads the numbers of one agent after the other until one can call: some servers' lists leave the numbers out."""
    found: list[AgentLines] = []
    for agent in agents:
        outbound = len(agent.outbound_phone_numbers)
        outbound = outbound or len(client.telephony.list_agent_numbers(agent.id).outbound)
        found.append(AgentLines(id=agent.id, name=agent.name, outbound=outbound))
        if outbound:
            break
    return verdicts.of_agents(found, chosen=chosen)


def _of_fault(check: str, error: TrudyError | TimeoutError) -> Diagnosis:
    if isinstance(error, TimeoutError):
        return failed(check, str(error), "Look at the network, and try again in a minute.", ExitCode.NO_ANSWER)
    failure = failure_of(error)
    advice = failure.advice
    if isinstance(error, AuthenticationError | PermissionDeniedError):
        advice = _REFUSED_KEY
    elif isinstance(error, RateLimitError):
        advice = "Something else uses this key now; wait a minute."
    elif isinstance(error, APIConnectionError) and "proxy" in error.message:
        advice = "Look at HTTPS_PROXY: the proxy may want a user and password there, or not let this host through."
    elif isinstance(error, APIConnectionError | ServerError):
        advice = "Look at the checks above, and try again in a minute."
    return failed(check, failure.what, advice, failure.code)


def _place(url: str) -> str:
    """Host and port of a proxy, without its user and password."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else f"{parts.hostname}"
