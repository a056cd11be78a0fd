"""Which of the server's own tools a request wants to be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from glmscope.chat.request import Message

CODE_INTERPRETER = "code_interpreter"
"""The plugin that runs code of the model; every other one is a tool of the registry."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that the interpreter finds below /mnt/data."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class PluginRequest:
    """The plugins by name, and the files of the interpreter."""

    names: tuple[str, ...]
    uploads: tuple[Upload, ...] = ()


def announce(messages: Sequence[Message], uploads: Sequence[Upload]) -> tuple[Message, ...]:
    """Tell in the last question of the user which files there are.

    In the words that the model was trained on (model specification, section 8.2).
    """
    told = list(messages)
    last = next((n for n in reversed(range(len(told))) if told[n].role == "user"), None)
    if last is None or not uploads:
        return tuple(told)
    lines = [
        f"#File: /mnt/data/{each.name}\n#Size: {len(each.content)}\n#File uploaded"
        for each in uploads
    ]
    told[last] = replace(told[last], content="\n".join([*lines, told[last].content]))
    return tuple(told)
