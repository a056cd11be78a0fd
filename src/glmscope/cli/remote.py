"""A server's replies as a stream of text: the least of a DashScope client, for the terminal."""

from __future__ import annotations

import base64
import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from http.client import HTTPResponse
from typing import Any

from glmscope.agent.plugins import CODE_INTERPRETER
from glmscope.chat.events import PluginCall, PluginFile, PluginResult, ToolCall, Usage
from glmscope.chat.request import Message
from glmscope.cli.conversation import Shown
from glmscope.cli.remote_server import GENERATION, STREAM, RemoteServer, reply_events

_NOT_COUNTED = Usage(0, 0)


class RemoteModel:
    """A model behind a DashScope address."""

    def __init__(self, server: str, key: str, model: str, plugins: Sequence[str] = ()) -> None:
        """`server`: `http://HOST:PORT`, with or without `/api/v1`; raises UsageError for others."""
        self._server = RemoteServer(server, key)
        self._model = model
        self._plugins = list(plugins)

    def forget(self) -> None:
        """A server remembers nothing of a conversation."""

    def reply(self, messages: Sequence[Message]) -> Generator[Shown, None, None]:
        """The next assistant turn, in pieces. Raises as `RemoteServer.open` does."""
        body = {
            "model": self._model,
            "input": {"messages": [_message(message) for message in messages]},
            "parameters": {
                "result_format": "message",
                "incremental_output": True,
                **({"plugins": self._plugins} if self._plugins else {}),
            },
        }
        with self._server.open(GENERATION, json.dumps(body).encode(), STREAM) as response:
            yield from _pieces(response)


def _message(message: Message) -> dict[str, Any]:
    """As the wire has it."""
    fields: dict[str, Any] = {"role": message.role, "content": message.content}
    for call in message.calls:
        name, arguments = call.name, dict(call.arguments)
        if call.code is not None:
            name, arguments = CODE_INTERPRETER, {"code": call.code}
        fields["plugin_call"] = {"name": name, "arguments": json.dumps(arguments)}
    return fields


def _pieces(response: HTTPResponse) -> Iterator[Shown]:
    call = ToolCall(0, "", "", "{}")
    for data in reply_events(response):
        (choice,) = data["output"]["choices"]
        if choice["message"]["content"]:
            yield choice["message"]["content"]
        for message in choice.get("messages", ()):
            call = _call(message) or call
            yield from _step(message, call)


def _call(message: Mapping[str, Any]) -> ToolCall | None:
    given = message.get("plugin_call")
    return given and ToolCall(0, "", given["name"], given["arguments"])


def _step(message: Mapping[str, Any], call: ToolCall) -> Iterator[PluginCall | PluginResult]:
    """A message of a reply with plugins, where it is a step."""
    if "plugin_call" in message:
        yield PluginCall(call, _NOT_COUNTED)
    elif message["role"] == "plugin":
        files = tuple(
            PluginFile(file["name"], base64.b64decode(file["data"]), file["media_type"])
            for file in message.get("files", ())
        )
        yield PluginResult(call, message["content"], _NOT_COUNTED, files)
