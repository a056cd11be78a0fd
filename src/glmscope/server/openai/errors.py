"""Errors in this wire's JSON. DashScope protocol, section 8, "OpenAI plane"."""

from __future__ import annotations

from typing import Any

from glmscope.errors import GLMScopeError, InvalidParameter
from glmscope.server import json_text

_CODES = {
    "InvalidParameter": "invalid_parameter_error",
    "BadRequest.EmptyModel": "invalid_parameter_error",
    "BadRequest.EmptyInput": "invalid_parameter_error",
    "BadRequest.IllegalInput": "invalid_request_body",
    "BadRequest.TooLarge": "request_too_large",
    "DataInspectionFailed": "data_inspection_failed",
    "InvalidApiKey": "invalid_api_key",
    "AccessDenied": "permission_denied",
    "Model.AccessDenied": "permission_denied",
    "ModelNotFound": "model_not_found",
    "NotFound": "unknown_url",
    "MethodNotAllowed": "method_not_allowed",
    "RequestTimeOut": "request_timeout",
    "Throttling": "rate_limit_exceeded",
    "Throttling.RateQuota": "rate_limit_exceeded",
    "Throttling.AllocationQuota": "insufficient_quota",
    "InternalError": "internal_error",
    "InternalError.Algo": "internal_error",
    "ModelUnavailable": "service_unavailable",
}
_PARAMS = {
    "BadRequest.EmptyModel": "model",
    "ModelNotFound": "model",
    "Model.AccessDenied": "model",
}


def is_openai(path: str) -> bool:
    """Whether a path belongs to this wire, served or not: its errors then look as these clients
    expect them."""
    return path.startswith(("/compatible-mode/", "/v1/")) or path in ("/compatible-mode", "/v1")


def error_object(error: GLMScopeError, request_id: str) -> dict[str, Any]:
    """`{"error": {"message", "type", "param", "code"}, "request_id"}`; `param` may be null.

    A code that this server never sends of itself, only when told to in a test, stays as it is.
    """
    param = error.param if isinstance(error, InvalidParameter) else _PARAMS.get(error.code)
    return {
        "error": {
            "message": error.message,
            "type": error.openai_type,
            "param": param,
            "code": _CODES.get(error.code, error.code),
        },
        "request_id": request_id,
    }


def error_body(error: GLMScopeError, request_id: str) -> bytes:
    """The body of an answer that is an error."""
    return json_text.dump(error_object(error, request_id))
