"""`glmscope serve`: answer the DashScope API."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glmscope import paths
from glmscope.cli.config import Config, read_config
from glmscope.cli.console import note, say
from glmscope.cli.keys import StoreOptions
from glmscope.cli.option_groups import grouped
from glmscope.cli.options import (
    ComputeOptions,
    EngineName,
    EngineOptions,
    ModelOptions,
    NetworkOptions,
    PrefixCacheOptions,
)
from glmscope.cli.plugin_options import LoopOptions, SandboxOptions
from glmscope.cli.serve_options import (
    AddressOptions,
    AdmissionOptions,
    ExchangeOptions,
    InsightOptions,
    server_settings,
)
from glmscope.cli.start_card import start_card
from glmscope.cli.tool_source import tool_source
from glmscope.errors import UsageError

if TYPE_CHECKING:
    from glmscope.chat.service import ChatService, ServedModel
    from glmscope.cli.fit_card import FitCard
    from glmscope.server.accounts import Accounts
    from glmscope.store.database import Database
    from glmscope.store.keys import KeyStore

_ModelsOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="DIR|ID=DIR|ID",
        help="A published or converted directory, or a pulled model; may be repeated.",
        rich_help_panel="Models",
    ),
]
_FaultsOption = Annotated[
    Path | None,
    typer.Option(
        help="What is to go wrong with the scripted engine's replies, to test a client.",
        rich_help_panel="Models",
    ),
]
_LoopRetriesOption = Annotated[
    int,
    typer.Option(min=0, max=3, help="How often a plain answer caught in a loop is tried again."),
]
_CalibrateOption = Annotated[
    bool,
    typer.Option(
        "--calibrate",
        help="Measure the networks' speed anew, in ten seconds after the start.",
        rich_help_panel="Models",
    ),
]
_NoAuthOption = Annotated[
    bool, typer.Option("--no-auth", help="Ask for no key; for this machine alone.")
]


@grouped
def serve(
    *,
    model: _ModelsOption = None,
    runtime: EngineOptions,
    faults: _FaultsOption = None,
    network: NetworkOptions,
    compute: ComputeOptions,
    prefixes: PrefixCacheOptions,
    calibrate: _CalibrateOption = False,
    address: AddressOptions,
    store: StoreOptions,
    sandbox: SandboxOptions,
    loop: LoopOptions,
    loop_retries: _LoopRetriesOption = 0,
    no_auth: _NoAuthOption = False,
    admission: AdmissionOptions,
    exchanges: ExchangeOptions,
    insight: InsightOptions,
) -> None:
    """Answer the DashScope API until stopped; running replies are finished first."""
    if no_auth:
        address.require_loopback()
    _check_networks_run(runtime, exchanges, faults, calibrate=calibrate)
    from glmscope.cli.wiring import models_opener
    from glmscope.server.listener import bind
    from glmscope.server.loading import unavailable
    from glmscope.server.logs import configure_logs

    configure_logs(texts=insight.log_prompts)
    settings = server_settings(admission, insight)
    options = ModelOptions.of(model or (), runtime, network, compute, prefixes)
    replay = exchanges.replayed(options)
    # What an engine imports comes before what a server imports: then the one loads its models while
    # the other is imported.
    open_models = None if replay else models_opener(options)
    with (
        _database(store.database, no_auth) as database,
        bind(address.host, address.port) as listener,
    ):
        config = read_config(store.config)
        tools = tool_source(config.tools, store.config or paths.config_path())
        runner = sandbox.runner()
        _check_storage(config, database)
        with unavailable(listener, settings):
            models = [] if open_models is None else open_models()
        from glmscope.server.app import create_app
        from glmscope.server.run import serve as serve_until_stopped

        keys = _key_store(database)
        app = create_app(
            _service(models, faults, loop_retries),
            keys,
            settings,
            accounts=_accounts(database, config),
            recordings=exchanges.recordings(),
            replay=replay,
            tools=tools,
            runner=runner,
            loop_limits=loop.limits(),
        )

        fit = _fit_card(models, options)

        def show_start_card(url: str) -> None:
            for line in start_card(models, url, keys, replay, fit.lines() if fit else ()):
                say(line)
            if fit:
                fit.calibrate(again=calibrate)

        serve_until_stopped(app, listener, show_start_card)
        if fit:
            fit.close()
    note("Stopped.")


def _check_networks_run(
    runtime: EngineOptions, exchanges: ExchangeOptions, faults: Path | None, *, calibrate: bool
) -> None:
    """Raises UsageError for what goes with a script alone, or with networks alone."""
    scripted = runtime.engine is EngineName.SCRIPTED
    if faults is not None and not scripted:
        raise UsageError("--faults goes with --engine scripted.")
    if calibrate and (scripted or exchanges.replay is not None):
        raise UsageError("--calibrate measures networks, and none is to run.")


def _fit_card(models: list[ServedModel], options: ModelOptions) -> FitCard | None:
    """None where no network runs, so that nothing of networks is imported."""
    if not models or options.engine is EngineName.SCRIPTED:
        return None
    from glmscope.cli.fit_card import FitCard

    return FitCard(models, options, say)


def _service(models: list[ServedModel], faults: Path | None, loop_retries: int) -> ChatService:
    if faults is None:
        from glmscope.chat.service import ChatService

        return ChatService(models, loop_retries=loop_retries)
    from glmscope.engine.fault_plan import FaultPlan
    from glmscope.server.faults import FaultyService

    return FaultyService(models, FaultPlan.from_file(faults), loop_retries=loop_retries)


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


def _check_storage(config: Config, database: Database | None) -> None:
    """Raises UsageError where limits are to be counted in what does not answer."""
    if database is None or config.limits_storage is None:
        return
    from glmscope.server.rates import check_storage

    asyncio.run(check_storage(config.limits_storage))


def _accounts(database: Database | None, config: Config) -> Accounts | None:
    """Who asks without a key has no account, and no limits but the server's."""
    from glmscope.server.accounts import Accounts, LimitSettings
    from glmscope.store.usage import UsageStore

    if database is None:
        return None
    settings = LimitSettings(config.limits, config.limits_storage)
    return Accounts(UsageStore(database), settings)
