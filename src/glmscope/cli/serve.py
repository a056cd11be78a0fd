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

from glmscope import __version__, paths
from glmscope.cli.config import Config, ConfigOption, read_config
from glmscope.cli.console import note, say
from glmscope.cli.keys import DatabaseOption, export_lines
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
    from glmscope.cli.wiring import check_options, open_models
    from glmscope.server.app import create_app
    from glmscope.server.exchange_directory import ExchangeDirectory
    from glmscope.server.listener import bind
    from glmscope.server.loading import unavailable
    from glmscope.server.logs import configure_logs
    from glmscope.server.run import serve as serve_until_stopped
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
    if not replayed:
        check_options(options)
    with _database(database, no_auth) as opened, bind(host, port) as listener:
        keys = _key_store(opened)
        accounts = _accounts(opened, read_config(config))
        with unavailable(listener, settings):
            models = [] if replayed else open_models(options)
        app = create_app(
            _service(models, faults),
            keys,
            settings,
            accounts=accounts,
            recordings=None if record is None else ExchangeDirectory.make(record),
            replay=replayed,
        )

        def show_start_card(url: str) -> None:
            for line in start_card(models, url, keys, replayed):
                say(line)

        serve_until_stopped(app, listener, show_start_card)
    note("Stopped.")


def start_card(
    models: list[ServedModel], url: str, keys: KeyStore | None, replay: Replay | None = None
) -> Iterator[str]:
    """What a person needs to know, line by line. An empty key store gets its first key here."""
    yield f"GLMScope {__version__} answers at {url}"
    width = max((len(model.id) for model in models), default=0)
    for model in models:
        limits = model.limits
        yield (
            f"  {model.id:{width}}  {model.name} ({model.engine.name}): "
            f"{limits.context} tokens in all, {limits.input} in, {limits.output} out"
        )
    if replay is not None:
        yield f"  No model is here: answers come from recorded exchanges, {len(replay)} in all."
    elif all(model.engine.name == EngineName.SCRIPTED.value for model in models):
        yield "  No model is behind these ids: the replies are a script's."
    else:
        yield from _small_model_lines(models)
    yield ""
    yield from _client_lines(url, keys)


def _small_model_lines(models: list[ServedModel]) -> Iterator[str]:
    """That the built-in model answers, in whose place, and how to have another."""
    from glmscope.cli.wiring import pulled_models

    told = next((model for model in models if model.description), None)
    if told is None:
        return
    replaced = [model.id for model in models if model.stand_in is not None]
    place = f", here in place of {' and '.join(replaced)}" if replaced else ""
    yield f"  {told.stand_in or told.id} is {told.description}{place}."
    if here := [name for name in pulled_models() if name in replaced]:
        yield f"  {here[0]} itself is on this machine: --model {here[0]} serves it."
    elif replaced:
        yield "  --model serves a published checkpoint; glmscope pull chatglm3-6b fetches one."


def _client_lines(url: str, keys: KeyStore | None) -> Iterator[str]:
    if keys is None:
        yield "No key is checked, but the SDKs want one:"
        yield from export_lines(url, "none")
    elif keys.is_empty():
        yield "The first API key, shown this once:"
        yield from export_lines(url, keys.create("default").key)
    else:
        yield "With a key that you were shown (glmscope keys create makes another):"
        yield export_lines(url, "")[1]


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


def _accounts(database: Database | None, config: Config) -> Accounts | None:
    """Who asks without a key has no account, and no limits but the server's."""
    from glmscope.server.accounts import Accounts, LimitSettings
    from glmscope.server.rates import check_storage
    from glmscope.store.usage import UsageStore

    if database is None:
        return None
    if config.limits_storage is not None:
        asyncio.run(check_storage(config.limits_storage))
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
