"""Conversations → prompt ids, in the format that each family was trained with.

Source: ChatGLM specification, sections 8.1 and 8.2. Contents are encoded as data: nothing that
they say can become a role or any other special id.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from glmscope.text.tokenizer import SPACE_MARK, Tokenizer

PromptRole = Literal["system", "user", "assistant", "observation"]

TOOLS_HEADER = (
    "Answer the following questions as best as you can. You have access to the following tools:"
)
"""The content of a system entry that offers tools."""

INTERPRETER_SYSTEM = (
    "你是一位智能AI助手，你叫ChatGLM，你连接着一台电脑，但请注意不能联网。"
    "在使用Python解决任务时，你可以运行代码并得到结果，"
    "如果运行结果有错误，你需要尽可能对代码进行改进。"
    "你可以处理用户上传到电脑上的文件，文件默认存储路径是/mnt/data/。"
)
"""The content of a system entry that offers the code interpreter (section 8.2)."""


@dataclass(frozen=True, slots=True)
class PromptMessage:
    """One entry of a ChatGLM3 conversation.

    `metadata` is the tool's name on an assistant entry that calls one, else empty. `tools`, on a
    system entry, is the JSON value that describes them; None offers none.
    """

    role: PromptRole
    content: str
    metadata: str = ""
    tools: Any = None

    def __post_init__(self) -> None:
        if self.tools is not None and self.role != "system":
            raise ValueError(f"Only a system message can offer tools, not one of role {self.role}.")

    @property
    def text(self) -> str:
        """The content as the model reads it: the tools, if any, follow as indented JSON."""
        if self.tools is None:
            return self.content
        return f"{self.content}\n{json.dumps(self.tools, indent=4, ensure_ascii=False)}"


def chatglm3_prompt(tokenizer: Tokenizer, messages: Sequence[PromptMessage]) -> list[int]:
    """`[gMASK] sop`, the messages, `<|assistant|>`: the model goes on with its metadata line."""
    return tokenizer.prefix_ids + chatglm3_continuation(tokenizer, messages)


def chatglm3_continuation(tokenizer: Tokenizer, messages: Sequence[PromptMessage]) -> list[int]:
    """New messages to feed on top of a kept cache, up to `<|assistant|>`.

    The cache must end where the previous turn's text ends, before its stop id; then cache and
    continuation together are the full prompt.
    """
    role_ids = _role_ids(tokenizer)
    ids: list[int] = []
    for message in messages:
        ids.append(role_ids[message.role])
        # Header and content are encoded apart: each gets a dummy prefix of its own.
        ids += tokenizer.encode(f"{message.metadata}\n")
        ids += tokenizer.encode(message.text)
    ids.append(role_ids["assistant"])
    return ids


def chatglm3_dialogue(
    tokenizer: Tokenizer, messages: Sequence[PromptMessage]
) -> tuple[list[int], list[int]]:
    """Ids of a whole dialogue, and at which indices stand those that the assistant generates.

    These are its turns without the role id before them and with the one after them, which is the
    stop id: `<|user|>`, or `<|observation|>` after a call (section 8.3).
    """
    ids = tokenizer.prefix_ids
    spoken: list[int] = []
    for message in messages:
        # The continuation ends with `<|assistant|>`, for which the next message has its own role.
        entry = chatglm3_continuation(tokenizer, [message])[:-1]
        if message.role == "assistant":
            # One past the entry is the id with which whatever comes next begins.
            spoken += range(len(ids) + 1, len(ids) + len(entry) + 1)
        ids = ids + entry
    role_ids = _role_ids(tokenizer)
    return [*ids, role_ids["observation" if messages[-1].metadata else "user"]], spoken


def chatglm2_prompt(
    tokenizer: Tokenizer, turns: Sequence[tuple[str, str]], query: str
) -> list[int]:
    """`[gMASK] sop` and `chatglm2_text`, encoded in one piece."""
    return tokenizer.encode_with_prefix(chatglm2_text(turns, query))


def chatglm2_text(turns: Sequence[tuple[str, str]], query: str) -> str:
    """The numbered rounds of (question, answer) turns, then the open round of the query."""
    rounds = [
        f"{_open_round(number, question)}{answer}\n\n"
        for number, (question, answer) in enumerate(turns, start=1)
    ]
    return "".join(rounds) + _open_round(len(turns) + 1, query)


def chatglm2_continuation(tokenizer: Tokenizer, cached_turns: int, query: str) -> list[int]:
    """The next round, to feed on top of a kept cache that holds `cached_turns` whole turns.

    With no turns in the cache this is the first round's full prompt. Raises ValueError when the
    vocabulary joins the dummy prefix to the newline after it (the published one does not).
    """
    if cached_turns == 0:
        return chatglm2_prompt(tokenizer, (), query)
    dummy_prefix, *ids = tokenizer.encode(f"\n\n{_open_round(cached_turns + 1, query)}")
    if tokenizer.piece(dummy_prefix) != SPACE_MARK:
        raise ValueError("This vocabulary joins rounds to their surroundings: send a full prompt.")
    return ids


def _open_round(number: int, question: str) -> str:
    return f"[Round {number}]\n\n问：{question}\n\n答："


def _role_ids(tokenizer: Tokenizer) -> dict[PromptRole, int]:
    special = tokenizer.special
    if (
        special.system is None
        or special.user is None
        or special.assistant is None
        or special.observation is None
    ):
        raise ValueError("The vocabulary of ChatGLM2 has no roles: use chatglm2_prompt.")
    return {
        "system": special.system,
        "user": special.user,
        "assistant": special.assistant,
        "observation": special.observation,
    }
