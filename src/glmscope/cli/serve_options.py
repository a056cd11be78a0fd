"""The options of `glmscope serve` that no other command takes."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glmscope.cli.options import ModelOptions
from glmscope.errors import UsageError

if TYPE_CHECKING:
    from glmscope.server.exchange_directory import ExchangeDirectory
    from glmscope.server.replay import Replay
    from glmscope.server.settings import ServerSettings

_EXCHANGES = "Recorded exchanges"


@dataclass(frozen=True)
class AddressOptions:
    """Where the server is reached."""

    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000

    def require_loopback(self) -> None:
        """Raises UsageError for an address that others can reach."""
        try:
            found = socket.getaddrinfo(self.host, None)
        except (OSError, UnicodeError):
            return  # listening will fail, and say why
        if not all(ipaddress.ip_address(address[0]).is_loopback for *_, address in found):
            raise UsageError(
                f"--no-auth serves this machine alone, and {self.host} is reached from others: "
                "use --host 127.0.0.1, or leave keys on."
            )


@dataclass(frozen=True)
class AdmissionOptions:
    """Whose turn it is, and how many wait."""

    max_running: Annotated[int, typer.Option(min=1, help="Replies generated side by side.")] = 32
    max_waiting: Annotated[
        int, typer.Option(min=0, help="Requests that may wait; more are told to come back.")
    ] = 128
    max_wait: Annotated[
        float, typer.Option(min=0.1, help="Seconds that a request waits for its turn at most.")
    ] = 240.0


@dataclass(frozen=True)
class InsightOptions:
    """What the server tells about itself and its requests."""

    openapi: Annotated[
        bool, typer.Option("--openapi", help="Describe the HTTP API at /openapi.json.")
    ] = False
    log_prompts: Annotated[
        bool, typer.Option("--log-prompts", help="Log prompts and replies; otherwise never done.")
    ] = False
    trace: Annotated[
        bool,
        typer.Option("--trace", help="Keep prompts and replies, in memory, for `glmscope trace`."),
    ] = False
    trace_minutes: Annotated[
        float, typer.Option(min=0, help="How long what became of a request is known.")
    ] = 60.0
    trace_mb: Annotated[float, typer.Option(min=0, max=2**20, help="Memory for traces.")] = 64.0


@dataclass(frozen=True)
class ExchangeOptions:
    """Exchanges that are kept, or answered again."""

    record: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Keep every exchange in a file of its own, without keys.",
            rich_help_panel=_EXCHANGES,
        ),
    ] = None
    replay: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Answer from recorded exchanges, without a model.",
            rich_help_panel=_EXCHANGES,
        ),
    ] = None
    replay_speed: Annotated[
        float,
        typer.Option(
            min=0,
            help="2 is twice as fast as recorded, 0 at once.",
            rich_help_panel=_EXCHANGES,
        ),
    ] = 1.0

    def recordings(self) -> ExchangeDirectory | None:
        """Where exchanges are to be kept. Raises UsageError where that cannot be."""
        from glmscope.server.exchange_directory import ExchangeDirectory

        return None if self.record is None else ExchangeDirectory.make(self.record)

    def replayed(self, models: ModelOptions) -> Replay | None:
        """What answers in place of models. Raises UsageError where both are asked for."""
        if self.replay is None:
            return None
        if models != ModelOptions():
            raise UsageError(
                "--replay runs no model: leave out --engine, --model and what shapes them."
            )
        from glmscope.server.exchange_directory import ExchangeDirectory
        from glmscope.server.replay import Replay

        return Replay(ExchangeDirectory(self.replay).load(), self.replay_speed)


def server_settings(admission: AdmissionOptions, insight: InsightOptions) -> ServerSettings:
    """The settings of the server that these options ask for."""
    from glmscope.server.settings import ServerSettings

    return ServerSettings(
        max_running=admission.max_running,
        max_waiting=admission.max_waiting,
        max_wait_seconds=admission.max_wait,
        openapi=insight.openapi,
        log_prompts=insight.log_prompts,
        trace=insight.trace,
        trace_seconds=60 * insight.trace_minutes,
        trace_bytes=int(insight.trace_mb * 2**20),
    )
