"""What a client may know about a failure, and what only the log says."""

from __future__ import annotations

import structlog
from starlette.exceptions import HTTPException

from glmscope.errors import (
    GLMScopeError,
    MethodNotAllowed,
    PathNotFound,
    RequestError,
    ServiceError,
)
from glmscope.server.logs import describe
from glmscope.server.record import RequestRecord

_log = structlog.get_logger("glmscope.server")


def public_error(failure: Exception, record: RequestRecord) -> GLMScopeError:
    """The error to answer with; its code goes into `record`.

    Only errors meant for clients keep their words. Anything else is a bug or the operator's
    business: it is logged, and the client gets the service's general sentence.
    """
    error = _for_clients(failure)
    if error is None:
        _log.error("request_failed", request_id=record.request_id, **describe(failure))
        error = GLMScopeError()
    record.error = error.code
    return error


def _for_clients(failure: Exception) -> GLMScopeError | None:
    if isinstance(failure, (RequestError, ServiceError)):
        return failure
    if isinstance(failure, HTTPException):
        for kind in (PathNotFound, MethodNotAllowed):
            if failure.status_code == kind.status:
                return kind()
    return None
