"""Errors in two lines: what happened, with the request id, and what to do."""

from __future__ import annotations

import logging
import re
from typing import Final

import typer
from attrs import evolve, frozen

from trudy._masking import mask_text, one_line
from trudy.cli.asking import NotConfirmedError
from trudy.cli.dry_run import RequestShownError, show_request
from trudy.cli.exit_codes import ExitCode
from trudy.cli.shell import Shell
from trudy.cli.wrapping import wrapped, wrapped_advice
from trudy.errors import (
    APIConnectionError,
    APIError,
    AuthenticationError,
    CallOutcomeUnknownError,
    ConfigurationError,
    InvalidArgumentError,
    NotFoundError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    ResponseDecodeError,
    ServerError,
    TrudyError,
    WaitTimeoutError,
)

_KEY = "Look whether the key is right, and is this account's: trudy doctor"

_ADDRESS: Final = (
    "Look whether the base URL is the API's (--base-url, TRUDY_BASE_URL); trudy doctor checks the connection."
)
_FOR_PYTHON: Final = re.compile(r"; trudy\.\w|\. What this version does not know goes into ")
"""Where an error of the library begins to name Python objects, which are of no use in a shell."""
_LATER: Final = ("/transcript", "/recording")
"""Ends of paths to what a call that is there may lack."""
_INSTALL: Final = "pip install "
EXTRAS: Final = {
    "cli": ("rich", "typer"),
    "dialer": ("sqlalchemy", "alembic", "holidays", "phonenumbers", "python_calamine"),
    "dialer-postgres": ("procrastinate", "psycopg"),
    "keyring": ("keyring",),
    "mcp": ("mcp",),
    "parquet": ("pyarrow",),
    "report": ("jinja2",),
    "sandbox": ("jsonschema", "starlette", "uvicorn"),
}
"""The packages that commands import, by the extra that brings them."""


@frozen
class Failure:
    """How a command failed: the exit code, what happened, and what to do."""

    code: ExitCode
    what: str
    advice: str

    def __str__(self) -> str:
        return self.text()

    def text(self, *, width: int | None = None, colour: bool = False) -> str:
        """For a person: two lines, or more where the terminal is too narrow for them."""
        what, advice = f"error: {self.what}", f"  {self.advice}"
        if width is not None:
            what, advice = wrapped(what, width, hang=" " * len("error: ")), wrapped_advice(self.advice, width)
        head, mark, rest = what.partition(":")
        return f"{typer.style(head + mark, fg='red', bold=True) if colour else head + mark}{rest}\n{advice}\n"


class CommandError(Exception):
    """Ends a command with a code of its own, and two lines: what happened, what to do."""

    def __init__(self, what: str, advice: str, *, code: ExitCode = ExitCode.USAGE) -> None:
        super().__init__(what, advice)
        self.failure = Failure(code, what, advice)


def report(shell: Shell, error: Exception) -> int:
    """Print an error for a person, or the request of a dry run. Returns the exit code."""
    if isinstance(error, RequestShownError):
        show_request(shell, error.request)
        return ExitCode.DONE
    failure = failure_of(error)
    if isinstance(error, InvalidArgumentError):
        failure = evolve(failure, advice=f"Nothing was sent; {shell.command} --help tells {_about(shell, error)}.")
    if failure.code is ExitCode.FAULT:
        logging.getLogger("trudy").debug("a fault of the trudy command", exc_info=error)
    shell.terminal.err.write(failure.text(width=shell.terminal.err_width, colour=shell.terminal.err_has_colour))
    return failure.code


def failure_of(error: Exception) -> Failure:
    """What an error means to the person at the shell."""
    match error:
        case CommandError():
            return error.failure
        case NotConfirmedError():
            what, advice = error.args
            return Failure(ExitCode.USAGE, what, advice)
        case ModuleNotFoundError() if error.name is not None and (extra := _extra_of(error.name)):
            what = f"this command needs the package {error.name}, which is not installed"
            return Failure(ExitCode.EXTRA_MISSING, what, f"Install it: pip install 'trudy-python-sdk[{extra}]'")
        case TrudyError() if _INSTALL in error.message:
            what, _, command = error.message.partition(_INSTALL)
            return Failure(ExitCode.EXTRA_MISSING, what.rstrip(" :;"), f"Install it: {_INSTALL}{command}")
        case TrudyError():
            return _failure_of_library(error)
        case typer.TyperException():
            what = " ".join(error.format_message().replace("Value error, ", "").split())
            return Failure(ExitCode.USAGE, one_line(what), _help_of(error))
        case typer.Abort():
            return Failure(ExitCode.USAGE, "the input ended", "Nothing was done.")
        case OSError():
            name = error.filename
            what = f"{error.strerror or error}" + ("" if name is None else f": {name}")
            return Failure(
                ExitCode.USAGE, one_line(what), "Look at the path, and whether you may read and write there."
            )
        case _:
            what = one_line(mask_text(f"{type(error).__name__}: {error}"))
            return Failure(
                ExitCode.FAULT, what, "This is a fault of the program; run it with TRUDY_LOG=debug to see where."
            )


def _failure_of_library(error: TrudyError) -> Failure:
    what = str(error)
    match error:
        case ConfigurationError():
            return Failure(
                ExitCode.NOT_ALLOWED, error.message, "Mend the setting that it names; trudy doctor checks them all."
            )
        case InvalidArgumentError():
            what = _FOR_PYTHON.split(error.message, maxsplit=1)[0]
            return Failure(ExitCode.USAGE, what, "Nothing was sent; --help tells what the command takes.")
        case NotFoundError() if (error.path or "").endswith(_LATER):
            return Failure(
                ExitCode.NOT_FOUND,
                what,
                "A call that nobody answered has none, others some seconds after their end: trudy calls get ID tells.",
            )
        case NotFoundError() if error.method == "GET" and (error.path or "").count("/") == 1:
            return Failure(ExitCode.NOT_FOUND, what, _ADDRESS)
        case NotFoundError():
            return Failure(
                ExitCode.NOT_FOUND, what, "Look whether the id is right, and of this account: list shows what there is."
            )
        case AuthenticationError() | PermissionDeniedError():
            return Failure(ExitCode.NOT_ALLOWED, what, _KEY)
        case PaymentRequiredError():
            where = f" at {error.redirect_url}" if error.redirect_url else ""
            return Failure(ExitCode.NOT_ALLOWED, what, f"Start the trial, or add credits{where}; then run it again.")
        case RateLimitError():
            return Failure(
                ExitCode.RATE_LIMIT, what, "Wait a minute and run it again; --max-rate-limit-wait lets it wait longer."
            )
        case CallOutcomeUnknownError():
            return Failure(
                ExitCode.OUTCOME_UNKNOWN,
                what,
                "Do not repeat it. Look in three minutes whether the call is there: trudy calls list --limit 20",
            )
        case WaitTimeoutError():
            return Failure(
                ExitCode.NOT_IN_TIME, what, "It goes on by itself; wait again, with a longer --max-wait if need be."
            )
        case ResponseDecodeError() if error.method == "GET":
            return Failure(ExitCode.NO_ANSWER, what, _ADDRESS)
        case ServerError() | APIConnectionError() | ResponseDecodeError():
            repeat = "Run it again." if error.retryable else "Look whether it had an effect before you run it again."
            return Failure(ExitCode.NO_ANSWER, what, f"{repeat} trudy doctor checks the connection.")
        case APIError():
            return Failure(ExitCode.REFUSED, what, "Mend what the message names and run it again.")
        case _:
            return Failure(ExitCode.REFUSED, what, "Mend what the message names and run it again.")


def _help_of(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    command = "trudy" if context is None else context.command_path
    return f"Try {command} --help"


def _extra_of(module: str) -> str | None:
    package = module.partition(".")[0]
    return next((extra for extra, packages in EXTRAS.items() if package in packages), None)


def _about(shell: Shell, error: InvalidArgumentError) -> str:
    """What the help tells of: the option of the argument that is bad, where the command has it."""
    name = (error.argument or "").partition(".")[0].replace("_", "-")
    spellings = (f"--{name.removesuffix('s')}", f"--{name}", f"--{name.removesuffix('-id')}")
    found = (option for option in spellings if option in shell.options)
    return f"about {option}" if (option := next(found, None)) else "what it takes"
