"""`glmscope serve`: answer the DashScope API."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glmscope import paths
from glmscope.cli.config import Config, ConfigOption, read_config
from glmscope.cli.console import note, say
from glmscope.cli.keys import DatabaseOption
from glmscope.cli.options import (
    CacheOption,
    EngineName,
    EngineOption,
    ExactOption,
    FamilyOption,
    FaultsOption,
    ModelOptions,
    PrefixCacheOption,
    PrefixOption,
    ScriptOption,
    ThreadsOption,
    TokenizerOption,
    WeightsOption,
)
from glmscope.cli.plugins import InterpreterOption, code_runner, tool_source
from glmscope.cli.start_card import start_card
from glmscope.errors import UsageError

if TYPE_CHECKING:
    from glmscope.chat.service import ChatService, ServedModel
    from glmscope.server.accounts import Accounts
    from glmscope.server.replay import Replay
    from glmscope.store.database import Database
    from glmscope.store.keys import KeyStore

_EXCHANGES = "Recorded exchanges"


def serve(
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            metavar="DIR|ID=DIR|ID",
            help="A published or converted directory, or a pulled model; may be repeated.",
            rich_help_panel="Models",
        ),
    ] = None,
    engine: EngineOption = EngineName.OPENVINO,
    script: ScriptOption = None,
    faults: FaultsOption = None,
    weights: WeightsOption = None,
    family: FamilyOption = None,
    tokenizer: TokenizerOption = None,
    ptuning: PrefixOption = None,
    cache_gb: CacheOption = None,
    threads: ThreadsOption = None,
    exact: ExactOption = None,
    prefix_cache: PrefixCacheOption = False,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    interpreter: InterpreterOption = False,
    no_auth: Annotated[
        bool, typer.Option("--no-auth", help="Ask for no key; for this machine alone.")
    ] = False,
    max_running: Annotated[int, typer.Option(min=1, help="Replies generated side by side.")] = 32,
    max_waiting: Annotated[
        int, typer.Option(min=0, help="Requests that may wait; more are told to come back.")
    ] = 128,
    max_wait: Annotated[
        float, typer.Option(min=0.1, help="Seconds that a request waits for its turn at most.")
    ] = 240.0,
    record: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Keep every exchange in a file of its own, without keys.",
            rich_help_panel=_EXCHANGES,
        ),
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Answer from recorded exchanges, without a model.",
            rich_help_panel=_EXCHANGES,
        ),
    ] = None,
    replay_speed: Annotated[
        float,
        typer.Option(
            min=0,
            help="2 is twice as fast as recorded, 0 at once.",
            rich_help_panel=_EXCHANGES,
        ),
    ] = 1.0,
    openapi: Annotated[
        bool, typer.Option("--openapi", help="Describe the HTTP API at /openapi.json.")
    ] = False,
    log_prompts: Annotated[
        bool, typer.Option("--log-prompts", help="Log prompts and replies; otherwise never done.")
    ] = False,
    trace: Annotated[
        bool,
        typer.Option("--trace", help="Keep prompts and replies, in memory, for `glmscope trace`."),
    ] = False,
    trace_minutes: Annotated[
        float, typer.Option(min=0, help="How long what became of a request is known.")
    ] = 60.0,
    trace_mb: Annotated[float, typer.Option(min=0, max=2**20, help="Memory for traces.")] = 64.0,
) -> None:
    """Answer the DashScope API until stopped; running replies are finished first."""
    if no_auth:
        _require_loopback(host)
    if faults is not None and engine is not EngineName.SCRIPTED:
        raise UsageError("--faults goes with --engine scripted.")
    from glmscope.cli.wiring import models_opener
    from glmscope.server.listener import bind
    from glmscope.server.loading import unavailable
    from glmscope.server.logs import configure_logs
    from glmscope.server.settings import ServerSettings

    configure_logs(texts=log_prompts)
    settings = ServerSettings(
        max_running=max_running,
        max_waiting=max_waiting,
        max_wait_seconds=max_wait,
        openapi=openapi,
        log_prompts=log_prompts,
        trace=trace,
        trace_seconds=60 * trace_minutes,
        trace_bytes=int(trace_mb * 2**20),
    )
    options = ModelOptions(
        models=tuple(model or ()),
        engine=engine,
        script=script,
        weights=weights,
        family=family,
        tokenizer=tokenizer,
        prefix=ptuning,
        cache_gb=cache_gb,
        threads=threads,
        exact=exact,
        prefix_cache=prefix_cache,
    )
    replayed = _replay(replay, replay_speed, options)
    # What an engine imports comes before what a server imports: then the one loads its models while
    # the other is imported.
    open_models = None if replayed else models_opener(options)
    with _database(database, no_auth) as opened, bind(host, port) as listener:
        configured = read_config(config)
        tools = tool_source(configured.tools, config or paths.config_path())
        runner = code_runner() if interpreter else None
        if opened is not None and configured.limits_storage is not None:
            _check_storage(configured.limits_storage)
        with unavailable(listener, settings):
            models = [] if open_models is None else open_models()
        from glmscope.server.app import create_app
        from glmscope.server.exchange_directory import ExchangeDirectory
        from glmscope.server.run import serve as serve_until_stopped

        keys = _key_store(opened)
        app = create_app(
            _service(models, faults),
            keys,
            settings,
            accounts=_accounts(opened, configured),
            recordings=None if record is None else ExchangeDirectory.make(record),
            replay=replayed,
            tools=tools,
            runner=runner,
        )

        def show_start_card(url: str) -> None:
            for line in start_card(models, url, keys, replayed):
                say(line)

        serve_until_stopped(app, listener, show_start_card)
    note("Stopped.")


def _service(models: list[ServedModel], faults: Path | None) -> ChatService:
    if faults is None:
        from glmscope.chat.service import ChatService

        return ChatService(models)
    from glmscope.engine.fault_plan import FaultPlan
    from glmscope.server.faults import FaultyService

    return FaultyService(models, FaultPlan.from_file(faults))


def _replay(directory: Path | None, speed: float, options: ModelOptions) -> Replay | None:
    if directory is None:
        return None
    if options != ModelOptions():
        raise UsageError(
            "--replay runs no model: leave out --engine, --model and what shapes them."
        )
    from glmscope.server.exchange_directory import ExchangeDirectory
    from glmscope.server.replay import Replay

    return Replay(ExchangeDirectory(directory).load(), speed)


@contextmanager
def _database(database: str | None, no_auth: bool) -> Iterator[Database | None]:
    if no_auth:
        yield None
        return
    from glmscope.store.database import open_database

    with open_database(database or paths.database_path()) as opened:
        yield opened


def _key_store(database: Database | None) -> KeyStore | None:
    from glmscope.store.keys import KeyStore

    return None if database is None else KeyStore(database)


def _check_storage(url: str) -> None:
    from glmscope.server.rates import check_storage

    asyncio.run(check_storage(url))


def _accounts(database: Database | None, config: Config) -> Accounts | None:
    """Who asks without a key has no account, and no limits but the server's."""
    from glmscope.server.accounts import Accounts, LimitSettings
    from glmscope.store.usage import UsageStore

    if database is None:
        return None
    settings = LimitSettings(config.limits, config.limits_storage)
    return Accounts(UsageStore(database), settings)


def _require_loopback(host: str) -> None:
    try:
        found = socket.getaddrinfo(host, None)
    except (OSError, UnicodeError):
        return  # listening will fail, and say why
    if not all(ipaddress.ip_address(address[0]).is_loopback for *_, address in found):
        raise UsageError(
            f"--no-auth serves this machine alone, and {host} is reached from others: "
            "use --host 127.0.0.1, or leave keys on."
        )
