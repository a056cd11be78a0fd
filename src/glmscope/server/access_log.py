"""What is said about every request once it has ended."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from starlette.types import Scope

from glmscope.server.observers import RequestObserver, tell
from glmscope.server.record import RequestRecord
from glmscope.store import keytext

_log = structlog.get_logger("glmscope.access")

CLIENT_GONE = 499
"""Logged, never sent: the client went away before there was an answer."""

_LONGEST_PATH = 200


def _loggable(path: str) -> str:
    """The path, unless somebody put a key into it."""
    return "(holds a key)" if keytext.holds_key(path) else path[:_LONGEST_PATH]


class AccessLog:
    """One line of the log for a request, then the observers.

    Neither query string nor headers nor bodies are logged: they may hold keys and prompts.
    """

    def __init__(self, observers: Sequence[RequestObserver] = ()) -> None:
        self._observers = observers

    def ended(self, scope: Scope, record: RequestRecord, status: int, seconds: float) -> None:
        """`scope` is the connection's: a websocket's carries many requests."""
        _log.info(
            "request",
            method=scope.get("method", "GET"),
            path=_loggable(scope["path"]),
            status=status,
            seconds=round(seconds, 4),
            **record.log_fields(),
        )
        tell(self._observers, record, status, seconds)
