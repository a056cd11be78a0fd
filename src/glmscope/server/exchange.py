"""A request and its answer as they went over the wire, kept in a file."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Scope

from glmscope.errors import UsageError
from glmscope.server import json_text
from glmscope.server.dashscope.streaming import wants_stream

WEBSOCKET = "WEBSOCKET"
"""Stands for the method of a websocket's task, whose `run-task` frame is the body."""

_FORMAT = 1
_HEADERS = ("accept", "content-type", "user-agent", "x-dashscope-async", "x-dashscope-sse")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked. `headers` are those that say what the client is and wants, no other."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: str

    @classmethod
    def over_http(cls, scope: Scope, body: bytes) -> Asked:
        """A request with its whole body, whatever bytes that is."""
        return cls._at(scope, scope["method"], body.decode("utf-8", "surrogateescape"))

    @classmethod
    def by_frame(cls, scope: Scope, frame: str) -> Asked:
        """A `run-task` frame of a websocket."""
        return cls._at(scope, WEBSOCKET, frame)

    @classmethod
    def _at(cls, scope: Scope, method: str, body: str) -> Asked:
        query = scope["query_string"].decode("latin-1")
        return cls(method, scope["path"], query, kept(Headers(scope=scope), _HEADERS), body)

    @property
    def question(self) -> tuple[object, ...]:
        """Equal for requests that deserve the same answer.

        Key order, white space and a task's id make no difference; how a stream is asked for does.
        """
        value = _parsed(self.body)
        if self.method == WEBSOCKET and isinstance(value, dict) and "header" in value:
            value = {**value, "header": {**value["header"], "task_id": None}}
        body = self.body if value is _NOT_JSON else json.dumps(value, sort_keys=True)
        return self.method, self.path, self.query, wants_stream(self.headers), body


@dataclass(frozen=True, slots=True)
class Part:
    """A plain body, an event of a stream, or a frame."""

    at: float
    """Seconds since the request."""
    text: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """One file of `--record`."""

    asked: Asked
    request_id: str
    status: int
    headers: Mapping[str, str]
    parts: tuple[Part, ...]

    def to_json(self) -> bytes:
        """For people too: bodies that are JSON stand in it as JSON."""
        request = {
            "method": self.asked.method,
            "path": self.asked.path,
            "query": self.asked.query,
            "headers": dict(self.asked.headers),
            **_stored(self.asked.body, exact=False),
        }
        answer = {
            "request_id": self.request_id,
            "status": self.status,
            "headers": dict(self.headers),
            "parts": [
                {"at": round(part.at, 4), **_stored(part.text, exact=True)} for part in self.parts
            ],
        }
        document = {"glmscope_exchange": _FORMAT, "request": request, "answer": answer}
        text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
        return text.encode("utf-8", "backslashreplace") + b"\n"

    @classmethod
    def from_json(cls, text: bytes, source: str) -> Exchange:
        """Read a file back; `source` names it. Raises UsageError for anything but an exchange."""
        try:
            document = json.loads(text)
            if document["glmscope_exchange"] != _FORMAT:
                raise UsageError(f"{source} holds an exchange of another version.")
            request, answer = document["request"], document["answer"]
            asked = Asked(
                _text(request["method"]),
                _text(request["path"]),
                _text(request["query"]),
                _texts(request["headers"]),
                _loaded(request),
            )
            parts = tuple(Part(float(part["at"]), _loaded(part)) for part in answer["parts"])
            status = answer["status"]
            if not isinstance(status, int) or not 200 <= status <= 599:
                raise ValueError
            request_id = _text(answer["request_id"])
            return cls(asked, request_id, status, _texts(answer["headers"]), parts)
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise UsageError(f"{source} is not a recorded exchange.") from error


def _stored(text: str, exact: bool) -> dict[str, Any]:
    """As JSON where that is what it is, and, if `exact`, where writing it gives the same text."""
    value = _parsed(text)
    if value is not _NOT_JSON:
        # Text like 1e999 reads as infinity, for which JSON has no text.
        with contextlib.suppress(ValueError, RecursionError):
            if json_text.dump(value).decode() == text or not exact:
                return {"json": value}
    return {"text": text}


def _loaded(stored: Mapping[str, Any]) -> str:
    if "json" in stored:
        return json_text.dump(stored["json"]).decode()
    return _text(stored["text"])


def kept(headers: Headers, names: Iterable[str]) -> dict[str, str]:
    """Those of `headers` that are named."""
    return {name: headers[name] for name in names if name in headers}


_NOT_JSON = object()


def _parsed(text: str) -> object:
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return _NOT_JSON


def _refuse(constant: str) -> object:
    raise ValueError(constant)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise TypeError
    return {_text(name): _text(each) for name, each in value.items()}
