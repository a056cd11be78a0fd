"""A server's replies as a stream of text: the least of a DashScope client, for the terminal."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Sequence
from http.client import HTTPResponse

from glmscope.chat.request import Message
from glmscope.cli.remote_server import RemoteServer
from glmscope.errors import ServiceError

_GENERATION = "/api/v1/services/aigc/text-generation/generation"


class RemoteModel:
    """A model behind a DashScope address."""

    def __init__(self, server: str, key: str, model: str) -> None:
        """`server`: `http://HOST:PORT`, with or without `/api/v1`; raises UsageError for others."""
        self._server = RemoteServer(server, key)
        self._model = model

    def reply(self, messages: Sequence[Message]) -> Generator[str, None, None]:
        """The next assistant turn, in pieces. Raises as `RemoteServer.open` does."""
        body = {
            "model": self._model,
            "input": {"messages": [{"role": m.role, "content": m.content} for m in messages]},
            "parameters": {"result_format": "message", "incremental_output": True},
        }
        headers = {"Content-Type": "application/json", "X-DashScope-SSE": "enable"}
        with self._server.open(_GENERATION, json.dumps(body).encode(), headers) as response:
            yield from _texts(response)


def _texts(response: HTTPResponse) -> Iterator[str]:
    failed = False
    finished = False
    for raw in response:
        line = raw.decode("utf-8", errors="replace").rstrip("\r\n")
        if line == "event:error":
            failed = True
        elif line.startswith("data:"):
            data = json.loads(line.removeprefix("data:"))
            if failed:
                raise ServiceError(f"{data['message']} ({data['code']})")
            (choice,) = data["output"]["choices"]
            finished = choice["finish_reason"] != "null"
            if choice["message"]["content"]:
                yield choice["message"]["content"]
    if not finished:
        raise ServiceError("The server broke off in the middle of its reply.")
