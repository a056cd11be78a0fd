"""What prompts have in common whose conversations begin alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmscope.chat.beginning import beginning_ids
from glmscope.chat.conversation import offering, prompt_builder
from glmscope.chat.request import Message
from glmscope.chat.tools import Tool, ToolOffer
from glmscope.errors import InvalidParameter
from glmscope.family import Family
from tests.support.tokenizers import builtin_tokenizer

TOKENIZERS = {family: builtin_tokenizer(family) for family in Family}
SYSTEM = Message("system", "你是杭州的导游。Answer in two sentences, and name a place in each.")
SHOTS = (SYSTEM, Message("user", "西湖在哪里？"), Message("assistant", "在杭州。"))
OFFER = ToolOffer((Tool.declare("forecast", "Weather of a city", None, "tools[0]"),))


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("messages", [(SYSTEM,), SHOTS, SHOTS[:2]], ids=["system", "shots", "open"])
@given(question=st.text(min_size=1))
def test_prompts_begin_so_whatever_is_asked(
    family: Family, messages: tuple[Message, ...], question: str
) -> None:
    tokenizer = TOKENIZERS[family]
    ids = beginning_ids(tokenizer, messages)
    prompt = prompt_builder(tokenizer)([*messages, Message("user", question)])
    # A question may join the last piece of what stands before it, where nothing parts them.
    certain = len(ids) - 2 * (family is Family.CHATGLM2)
    assert prompt[:certain] == ids[:certain]


def test_a_next_turn_begins_so_too() -> None:
    tokenizer = TOKENIZERS[Family.CHATGLM3]
    ids = beginning_ids(tokenizer, [SYSTEM])
    prompt = prompt_builder(tokenizer)([*SHOTS, Message("user", "And then?")])
    assert prompt[: len(ids)] == ids
    assert tokenizer.decode(ids).startswith("[gMASK]sop<|system|>")


def test_what_is_to_be_answered_may_be_fixed() -> None:
    """An open question goes on with its answer, or with another one."""
    tokenizer = TOKENIZERS[Family.CHATGLM3]
    ids = beginning_ids(tokenizer, SHOTS[:2])
    answered = prompt_builder(tokenizer)(SHOTS[:2])
    assert answered[:-1] == ids
    assert beginning_ids(tokenizer, SHOTS)[: len(ids)] == ids


def test_tools_are_part_of_it() -> None:
    tokenizer = TOKENIZERS[Family.CHATGLM3]
    for messages in ([SYSTEM], []):
        ids = beginning_ids(tokenizer, messages, OFFER)
        conversation = offering([*messages, Message("user", "Will it rain?")], OFFER)
        assert prompt_builder(tokenizer)(conversation)[: len(ids)] == ids
        assert "forecast" in tokenizer.decode(ids)
        assert ids != beginning_ids(tokenizer, messages)


def test_chatglm2_puts_the_system_text_before_the_question() -> None:
    tokenizer = TOKENIZERS[Family.CHATGLM2]
    assert tokenizer.decode(beginning_ids(tokenizer, [SYSTEM])) in (
        f"[Round 1]\n\n问：{SYSTEM.content}",
        f"[Round 1]\n\n问：{SYSTEM.content}"[:-1],
    )


@pytest.mark.parametrize(
    ("family", "messages", "offer", "trained", "reason"),
    [
        (Family.CHATGLM2, [SYSTEM], OFFER, True, "ChatGLM2 was not trained to call them"),
        (Family.CHATGLM3, [SYSTEM], OFFER, False, "a base model"),
        (Family.CHATGLM3, [SYSTEM, SYSTEM], None, True, "Only the first message"),
        (Family.CHATGLM2, [Message("tool", "x")], None, True, 'the role "tool"'),
    ],
)
def test_what_cannot_be_said_is_refused(
    family: Family,
    messages: list[Message],
    offer: ToolOffer | None,
    trained: bool,
    reason: str,
) -> None:
    with pytest.raises(InvalidParameter, match=reason):
        beginning_ids(TOKENIZERS[family], messages, offer, calls_tools=trained)
