"""The frames of the DashScope websocket, each one JSON object. DashScope protocol, section 6."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from glmscope.errors import GLMScopeError, InvalidParameter, PathNotFound
from glmscope.server import json_text
from glmscope.server.fields import Fields

# It becomes the request's id, so it has to be fit for a log and for a command line.
_TASK_ID = re.compile("[A-Za-z0-9._-]{1,128}")
_TASK = {"task_group": "aigc", "task": "text-generation", "function": "generation"}


@dataclass(frozen=True, slots=True)
class ClientFrame:
    """What a client sent, read as far as is needed to know what it is about."""

    action: object
    task_id: object
    header: Fields
    payload: object


@dataclass(frozen=True, slots=True)
class RunTask:
    """A `run-task` frame, checked; its payload is the body of a generation request."""

    streams: bool
    payload: Fields


def read_frame(frame: str) -> ClientFrame:
    """Raises IllegalInput for what is not a JSON object, InvalidParameter without a header."""
    given = json_text.load_object(frame.encode())
    header = given.get("header")
    if not isinstance(header, dict):
        raise InvalidParameter("header should be an object.")
    return ClientFrame(header.get("action"), header.get("task_id"), header, given.get("payload"))


def check_task_id(task_id: object) -> str:
    """The task's id. Raises InvalidParameter for one that is missing or could be taken for text."""
    if not isinstance(task_id, str) or not _TASK_ID.fullmatch(task_id):
        raise InvalidParameter(
            "header.task_id should be 1 to 128 letters, digits, dots, dashes or underscores."
        )
    return task_id


def read_run_task(frame: ClientFrame) -> RunTask:
    """Raises InvalidParameter for a wrong shape, PathNotFound for a task other than generation."""
    streaming = frame.header.get("streaming")
    if streaming not in (None, "none", "in", "out", "duplex"):
        raise InvalidParameter("header.streaming should be one of none, in, out, duplex.")
    payload = frame.payload
    if not isinstance(payload, dict):
        raise InvalidParameter("payload should be an object.")
    for name, served in _TASK.items():
        if payload.get(name) not in (None, served):
            raise PathNotFound(f"The only {name} that is served here is {served}.")
    return RunTask(streaming in ("out", "duplex"), payload)


def task_started(task_id: str, attributes: Mapping[str, str]) -> str:
    """Its payload has to be there, and empty, or the Java SDK fails."""
    return _frame(task_id, "task-started", attributes=attributes)


def result_generated(task_id: str, result: bytes) -> str:
    """`result`: the JSON of a reply, or of a chunk of one, without a request id."""
    return _frame(task_id, "result-generated", result)


def task_finished(task_id: str, attributes: Mapping[str, str]) -> str:
    """Its payload has to be there, and empty, or SDKs take it for one more result."""
    return _frame(task_id, "task-finished", attributes=attributes)


def task_failed(task_id: object, error: GLMScopeError) -> str:
    """`task_id` as it was sent, whatever it was; SDKs need a string, so absent is empty."""
    told = {"error_code": error.code, "error_message": error.message}
    return _frame(task_id if isinstance(task_id, str) else "", "task-failed", told=told)


def _frame(
    task_id: str,
    event: str,
    payload: bytes = b"{}",
    told: Mapping[str, str] | None = None,
    attributes: Mapping[str, str] | None = None,
) -> str:
    header = {"task_id": task_id, "event": event, **(told or {}), "attributes": attributes or {}}
    return (b'{"header":%b,"payload":%b}' % (json_text.dump(header), payload)).decode()
