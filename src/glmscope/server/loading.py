"""A server's first minutes: its address is taken, its models are being loaded."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from fastapi import FastAPI, Response
from starlette.types import Receive, Scope, Send

from glmscope import __version__
from glmscope.chat.service import ChatService
from glmscope.errors import ModelUnavailable
from glmscope.server import json_text
from glmscope.server.access_log import AccessLog
from glmscope.server.admission import Admission
from glmscope.server.lifecycle import Lifecycle
from glmscope.server.middleware.body_deadline import BodyDeadline
from glmscope.server.middleware.failures import Failures
from glmscope.server.middleware.request_log import RequestLog
from glmscope.server.run import Server
from glmscope.server.settings import ServerSettings


@contextmanager
def unavailable(listener: socket.socket, settings: ServerSettings) -> Iterator[None]:
    """Answer 503 on `listener` inside the block, from a thread; the listener stays open after it.

    A connection that is made at the very end waits for whoever serves the listener next.
    """
    accepting = threading.Event()
    server = Server(_loading_app(settings), listener.dup(), lambda _url: accepting.set())
    thread = threading.Thread(target=server.run, name="loading", daemon=True)
    thread.start()
    accepting.wait()
    try:
        yield
    finally:
        server.stop()
        thread.join()


def _loading_app(settings: ServerSettings) -> FastAPI:
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.state.settings = settings
    app.state.lifecycle = Lifecycle(ChatService([]), Admission(1, 0), drain_seconds=0)
    app.add_middleware(Failures, retry_after_seconds=settings.retry_after_seconds)
    app.add_middleware(BodyDeadline, seconds=settings.receive_seconds)
    app.add_middleware(RequestLog, access_log=AccessLog())
    app.add_api_route("/healthz", _health)
    app.router.default = _refuse
    return app


async def _health() -> Response:
    body = {"status": "loading", "version": __version__, "models": []}
    return Response(
        json_text.dump(body), status_code=ModelUnavailable.status, media_type="application/json"
    )


async def _refuse(_scope: Scope, _receive: Receive, _send: Send) -> NoReturn:
    raise ModelUnavailable
