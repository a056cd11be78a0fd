"""The server that answers while models are being loaded: it says so, and nothing else."""

from __future__ import annotations

import socket
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


def loading_server(listener: socket.socket, settings: ServerSettings) -> Server:
    """Answers 503 to everything, in the words of the path that is asked."""
    return Server(_loading_app(settings), listener)


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
