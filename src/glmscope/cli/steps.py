"""What a model calls and what comes of it, as the terminal shows it."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path

from glmscope.agent.plugins import CODE_INTERPRETER
from glmscope.chat.events import PluginCall, PluginFile, PluginResult, ToolCall
from glmscope.chat.past_calls import PastCall
from glmscope.chat.request import Message
from glmscope.cli.console import note, printable

_UNSAFE = re.compile(r"[^\w.-]+")
_INDENT = "    "


def show_call(call: ToolCall) -> None:
    """The plugin, and its arguments or the code."""
    past = past_call(call)
    if past.code is None:
        note(printable(f"[{call.name}] {call.arguments}"))
    else:
        note(f"[{call.name}]")
        note(_indented(past.code))


def show_result(result: PluginResult, directory: Path) -> None:
    """The result, and where its files are now: in `directory`, under names that are free."""
    note(_indented(result.text) if result.text.strip() else f"{_INDENT}(no output)")
    for file in result.files:
        note(f"{_INDENT}{_kept(file, directory)}")


def past_call(call: ToolCall) -> PastCall:
    """A call as the history keeps it."""
    arguments = json.loads(call.arguments)
    if call.name == CODE_INTERPRETER:
        return PastCall.of_code(call.id, arguments["code"])
    return PastCall(call.id, call.name, arguments)


def remembered(step: PluginCall | PluginResult, text: str) -> Message:
    """A step as a message of the conversation; `text` was said before the call."""
    if isinstance(step, PluginCall):
        return Message("assistant", text, (past_call(step.call),))
    return Message("tool", step.text, call_id=step.call.id)


def files_directory() -> Path:
    """A new directory for what plugins make."""
    return Path(tempfile.mkdtemp(prefix="glmscope-"))


def _kept(file: PluginFile, directory: Path) -> Path:
    # The name is what code of a model chose: of a path only its end, and no character of a shell.
    name = _UNSAFE.sub("_", file.name.rpartition("/")[2]).lstrip(".") or "file"
    path = directory / name
    number = 1
    while path.exists():
        number += 1
        path = directory / f"{Path(name).stem}-{number}{Path(name).suffix}"
    path.write_bytes(file.content)
    return path


def _indented(text: str) -> str:
    return "\n".join(f"{_INDENT}{line}" for line in printable(text.rstrip()).split("\n"))
