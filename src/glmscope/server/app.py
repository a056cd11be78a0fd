"""The application: rooms put together, nothing decided."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import NoReturn

from fastapi import Depends, FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from glmscope import __version__
from glmscope.agent.agent import Agent
from glmscope.agent.code_runner import CodeRunner
from glmscope.agent.loop_limits import LoopLimits
from glmscope.agent.tool import ToolRegistry
from glmscope.agent.tool_source import OpenedTools, ToolSource, builtin_tools
from glmscope.chat.service import ChatService
from glmscope.errors import PathNotFound
from glmscope.server.access_log import AccessLog
from glmscope.server.accounts import Accounts, request_check
from glmscope.server.admin.metrics import key_metrics_routes
from glmscope.server.admin.traces import trace_routes
from glmscope.server.admin.usage import usage_routes
from glmscope.server.admission import Admission
from glmscope.server.auth import key_check
from glmscope.server.dashscope.routes import dashscope_routes
from glmscope.server.dashscope.websocket import websocket_routes
from glmscope.server.dashscope.websocket_task import Check, TaskRoom
from glmscope.server.exchange_directory import ExchangeDirectory
from glmscope.server.faults import FaultInjection, FaultyService
from glmscope.server.health import health_routes
from glmscope.server.lifecycle import Lifecycle
from glmscope.server.middleware.body_deadline import BodyDeadline
from glmscope.server.middleware.body_limit import BodyLimit
from glmscope.server.middleware.failures import Failures
from glmscope.server.middleware.recorder import Recorder
from glmscope.server.middleware.request_log import RequestLog
from glmscope.server.middleware.slashes import Slashes
from glmscope.server.observers import RequestObserver
from glmscope.server.openai.routes import PREFIXES, openai_routes
from glmscope.server.openapi import openapi_routes
from glmscope.server.record import speaks
from glmscope.server.replay import Replay, replay_routes
from glmscope.server.settings import ServerSettings
from glmscope.server.telemetry import Telemetry
from glmscope.store.keyinfo import Role
from glmscope.store.keys import KeyStore

_NO_CODE = (
    "The code interpreter is off on this server; `glmscope serve --interpreter` switches it on."
)


def create_app(
    service: ChatService,
    keys: KeyStore | None,
    settings: ServerSettings | None = None,
    *,
    observers: Sequence[RequestObserver] = (),
    accounts: Accounts | None = None,
    recordings: ExchangeDirectory | None = None,
    replay: Replay | None = None,
    tools: ToolSource = builtin_tools,
    runner: CodeRunner | None = None,
    loop_limits: LoopLimits | None = None,
) -> FastAPI:
    """An ASGI application that answers for `service` to whoever holds one of `keys`.

    Without `keys` it answers everyone, so bind it to the loopback interface alone. `observers` are
    told about every request that ended; `accounts` count what keys use, and limit it. Exchanges
    are written to `recordings`; `replay` answers in place of the service. Stopping the application
    (ASGI lifespan, or `app.state.lifecycle.stop()`) closes the service.

    `tools` opens the plugins of requests, as long as the application runs; `runner` runs code of a
    model, which without one is refused; `loop_limits` bound a reply with plugins.
    """
    settings = settings or ServerSettings()
    admission = Admission(
        settings.max_running,
        settings.max_waiting,
        settings.waiting_share,
        settings.max_wait_seconds,
    )
    telemetry = Telemetry(service, admission, settings)
    access_log = AccessLog([*observers, *telemetry.observers])
    lifecycle = Lifecycle(service, admission, settings.drain_seconds)
    agent = Agent(service, ToolRegistry(()), runner, loop_limits, why_no_code=_NO_CODE)
    opened_tools = OpenedTools(agent, tools)
    app = FastAPI(
        title="GLMScope",
        version=__version__,
        lifespan=_running(lifecycle, accounts, agent, opened_tools),
        # No pages that answer without a key, and none that load scripts from elsewhere.
        openapi_url=None,
        redirect_slashes=False,
        exception_handlers={HTTPException: _raise_again},
    )
    app.state.lifecycle = lifecycle
    app.state.settings = settings
    app.state.tools = opened_tools
    _add_middleware(app, settings, access_log, recordings, isinstance(service, FaultyService))
    app.router.default = _not_served
    app.include_router(health_routes(service, admission, telemetry.metrics))
    check_key = key_check(keys)
    if replay is not None:
        app.include_router(replay_routes(replay), dependencies=[Depends(check_key)])
        return app
    checks = [check_key, request_check(accounts)]
    _add_http_wires(app, service, agent, admission, settings, checks)
    tasks = TaskRoom(agent, admission, access_log, checks, settings.websocket_hold_back_seconds)
    app.include_router(
        websocket_routes(tasks, settings),
        # A task opens its account itself: a connection lives for many of them.
        dependencies=[Depends(speaks("websocket")), Depends(check_key)],
    )
    _add_admin(app, service, keys, telemetry, accounts)
    if settings.openapi:
        app.include_router(openapi_routes(app), dependencies=[Depends(check_key)])
    return app


def _running(
    lifecycle: Lifecycle, accounts: Accounts | None, agent: Agent, tools: OpenedTools
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with tools.opened():
            try:
                yield
            finally:
                await lifecycle.stop()
                await agent.close()
                if accounts is not None:
                    await accounts.close()

    return lifespan


def _add_middleware(
    app: FastAPI,
    settings: ServerSettings,
    access_log: AccessLog,
    recordings: ExchangeDirectory | None,
    with_faults: bool,
) -> None:
    """The last one added is the first to see a request."""
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes)
    app.add_middleware(Failures, retry_after_seconds=settings.retry_after_seconds)
    app.add_middleware(BodyDeadline, seconds=settings.receive_seconds)
    if recordings is not None:
        app.add_middleware(Recorder, directory=recordings)
    app.add_middleware(Slashes)
    if with_faults:
        app.add_middleware(FaultInjection)
    app.add_middleware(RequestLog, access_log=access_log)


def _add_http_wires(
    app: FastAPI,
    service: ChatService,
    agent: Agent,
    admission: Admission,
    settings: ServerSettings,
    checks: Sequence[Check],
) -> None:
    checked = [Depends(check) for check in checks]
    app.include_router(
        dashscope_routes(service, agent, admission, settings.keep_alive_seconds),
        dependencies=[Depends(speaks("dashscope")), *checked],
    )
    openai = openai_routes(service, agent, admission, settings.keep_alive_seconds)
    for prefix in PREFIXES:
        app.include_router(
            openai, prefix=prefix, dependencies=[Depends(speaks("openai")), *checked]
        )


def _add_admin(
    app: FastAPI,
    service: ChatService,
    keys: KeyStore | None,
    telemetry: Telemetry,
    accounts: Accounts | None,
) -> None:
    check_admin = Depends(key_check(keys, Role.ADMIN))
    if accounts is not None:
        app.include_router(usage_routes(accounts.usage), dependencies=[check_admin])
    app.include_router(key_metrics_routes(telemetry.key_metrics), dependencies=[check_admin])
    # A key of any role: every key may see what became of its own requests.
    app.include_router(
        trace_routes(telemetry.traces, service), dependencies=[Depends(key_check(keys, None))]
    )


async def _not_served(_scope: Scope, _receive: Receive, _send: Send) -> NoReturn:
    """A websocket at an unknown path would get a bare 403 from Starlette."""
    raise PathNotFound


async def _raise_again(_request: Request, failure: Exception) -> NoReturn:
    """Wrong verb: FastAPI would answer in its own shape, `Failures` knows ours."""
    raise failure
