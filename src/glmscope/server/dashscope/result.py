"""A reply's text in the wire's JSON, key order included. DashScope protocol, section 4."""

from __future__ import annotations

from typing import Any

from glmscope.chat.events import Usage
from glmscope.server.dashscope.parameters import ResultFormat

RUNNING = "null"
"""The finish_reason of a chunk that is not the last: a string, not JSON null."""


def result(
    result_format: ResultFormat, text: str, finish_reason: str, usage: Usage, request_id: str | None
) -> dict[str, Any]:
    """One whole result object, plain or as one chunk; a websocket says the id elsewhere."""
    body: dict[str, Any] = {
        "output": _output(result_format, text, finish_reason),
        "usage": {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens},
    }
    if request_id is not None:
        body["request_id"] = request_id
    return body


def _output(result_format: ResultFormat, text: str, finish_reason: str) -> dict[str, Any]:
    if result_format == "text":
        return {"text": text, "finish_reason": finish_reason}
    message = {"role": "assistant", "content": text, "content_type": "text"}
    return {"choices": [{"finish_reason": finish_reason, "message": message}]}
