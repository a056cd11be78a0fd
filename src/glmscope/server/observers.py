"""Who is told about every request once it has ended: usage, metrics, traces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import structlog

from glmscope.server.record import RequestRecord

_log = structlog.get_logger("glmscope.server")


class RequestObserver(Protocol):
    """Learns how requests ended. Called on the event loop, so it must not wait for anything."""

    def finished(self, record: RequestRecord, status: int, seconds: float) -> None:
        """`record` is complete; `status` is the HTTP status that was sent, or 499 when the client
        went away before; `seconds` is the time from the request's head to its end."""
        ...


def tell(
    observers: Sequence[RequestObserver], record: RequestRecord, status: int, seconds: float
) -> None:
    """Tell every observer; the failure of one is logged and keeps it from no other."""
    for observer in observers:
        try:
            observer.finished(record, status, seconds)
        except Exception as failure:
            _log.error(
                "observer_failed",
                request_id=record.request_id,
                observer=type(observer).__name__,
                # Its text may quote anything.
                error=type(failure).__name__,
            )
