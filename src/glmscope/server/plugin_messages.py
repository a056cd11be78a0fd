"""The steps of a reply with plugins as messages, the same on every wire.

The service's page on plugins hands `choices[0]["messages"]` back with the next question, so a reply
is told like this: an assistant message for each call (`plugin_call`), a message of the role
`plugin` for each result, and the answer at last.
"""

from __future__ import annotations

import base64
from typing import Any

from glmscope.chat.events import (
    CallPiece,
    PluginCall,
    PluginFile,
    PluginResult,
    ReplyEvent,
    TextPiece,
)

Json = dict[str, Any]


class PluginMessages:
    """Collects the messages of one reply."""

    def __init__(self) -> None:
        self.entries: list[Json] = []
        """All so far."""
        self._texts: list[str] = []
        """Of the message that is being made."""
        self._calls: list[Json] = []

    def add(self, event: ReplyEvent) -> list[Json]:
        """The messages that are complete with this event: none, or one."""
        if isinstance(event, TextPiece):
            self._texts.append(event.text)
            return []
        if isinstance(event, CallPiece):
            function = {"name": event.call.name, "arguments": event.call.arguments}
            self._calls.append({"id": event.call.id, "type": "function", "function": function})
            return []
        if isinstance(event, PluginResult):
            entry = _result(event)
        else:
            entry = {"role": "assistant", "content": "".join(self._texts)}
            self._texts = []
            if isinstance(event, PluginCall):
                call = event.call
                entry["plugin_call"] = {"name": call.name, "arguments": call.arguments}
            elif self._calls:
                entry["tool_calls"] = self._calls
        self.entries.append(entry)
        return [entry]


def _result(event: PluginResult) -> Json:
    entry: Json = {
        "role": "plugin",
        "name": event.call.name,
        "content": event.text,
        "status": {"code": 500, "name": "Failure"}
        if event.is_error
        else {"code": 200, "name": "Success"},
    }
    if event.files:
        entry["files"] = [_file(each) for each in event.files]
    return entry


def _file(file: PluginFile) -> Json:
    return {
        "name": file.name,
        "media_type": file.media_type,
        "data": base64.b64encode(file.content).decode("ascii"),
    }
