"""Errors in the wire's JSON. DashScope protocol, section 7."""

from __future__ import annotations

from glmscope.errors import GLMScopeError
from glmscope.server import json_text


def error_body(error: GLMScopeError, request_id: str) -> bytes:
    """`{"code", "message", "request_id"}`: all three always strings, or the Java SDK stumbles."""
    return json_text.dump({"code": error.code, "message": error.message, "request_id": request_id})
