"""What `--share-prefix` names: beginnings of conversations that all keys may share."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from glmscope.chat.beginning import beginning_ids
from glmscope.chat.request import Message
from glmscope.chat.tools import ToolOffer
from glmscope.cli.console import note
from glmscope.engine.pipeline import BLOCK_TOKENS, FEWEST_SHARED
from glmscope.engine.rules_file import read_text
from glmscope.errors import InvalidParameter, UsageError
from glmscope.names import check_known
from glmscope.server.messages import read_message_list
from glmscope.server.openai.chat_request import ROLES
from glmscope.server.tools import read_tools
from glmscope.text.tokenizer import Tokenizer


class Reader(NamedTuple):
    """A model that reads prompts, by the id that requests name."""

    id: str
    tokenizer: Tokenizer
    calls_tools: bool


@dataclass(frozen=True)
class SharedPrefix:
    """The beginning of conversations that a file holds."""

    file: Path
    messages: tuple[Message, ...]
    tools: ToolOffer | None = None

    @classmethod
    def read(cls, file: Path) -> SharedPrefix:
        """A file whose name ends in `.json`, else the text of a system message.

        JSON is a list of messages, or an object with `messages` and `tools`, as requests to
        `/chat/completions` have them. A line's end at the end of a text is not part of it.

        Raises UsageError, naming the file, for one that cannot be read or holds something else.
        """
        text = read_text(file, "shared prefix")
        if file.suffix.lower() != ".json":
            return cls(file, (Message("system", text.removesuffix("\n")),))
        body = _body(text, file)
        try:
            messages = read_message_list(body.get("messages", []), ROLES)
            return cls(file, messages, read_tools(body).offer)
        except InvalidParameter as error:
            raise UsageError(f"{file}: {error.message}") from None

    def ids_for(self, reader: Reader) -> list[int]:
        """With which ids such prompts begin. Raises InvalidParameter for too few, or none."""
        ids = beginning_ids(
            reader.tokenizer, self.messages, self.tools, calls_tools=reader.calls_tools
        )
        if len(ids) < FEWEST_SHARED:
            raise InvalidParameter(
                f"Prompts that begin so have {len(ids)} tokens in common, and {FEWEST_SHARED} are "
                "the fewest that can be shared."
            )
        return ids


def shared_beginnings(
    files: Iterable[Path], readers: Sequence[Reader]
) -> dict[str, list[list[int]]]:
    """For each model's id, the ids of the beginnings that its prompts may share.

    Says of every file what becomes of it. Raises UsageError for one that no model can use.
    """
    beginnings: dict[str, list[list[int]]] = {reader.id: [] for reader in readers}
    for prefix in [SharedPrefix.read(file) for file in files]:
        shared, refused = defaultdict[int, list[str]](list), defaultdict[str, list[str]](list)
        for reader in readers:
            try:
                ids = prefix.ids_for(reader)
            except InvalidParameter as error:
                refused[error.message].append(reader.id)
            else:
                beginnings[reader.id].append(ids)
                shared[len(ids)].append(reader.id)
        if not shared:
            raise UsageError(f"{prefix.file} cannot be shared. {next(iter(refused))}")
        for length, models in shared.items():
            note(
                f"{prefix.file}: all keys share the {length} tokens that such prompts to "
                f"{', '.join(models)} begin with, in whole blocks of {BLOCK_TOKENS}."
            )
        for reason, models in refused.items():
            note(f"{prefix.file} is not shared for {', '.join(models)}. {reason}")
    return beginnings


def _body(text: str, file: Path) -> dict[str, Any]:
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file} is not JSON: {error}.") from None
    if isinstance(given, list):
        return {"messages": given}
    if not isinstance(given, dict):
        raise UsageError(f'{file} must hold a list of messages, or an object with "messages".')
    check_known(given, ["messages", "tools"], f"{file} has an unknown name,")
    return given
