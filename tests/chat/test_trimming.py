"""Conversations that are too long: what goes, what stays, what is refused."""

from __future__ import annotations

import pytest

from glmscope.chat.service import Limits
from glmscope.errors import InvalidParameter
from glmscope.family import Family
from tests.chat.support import (
    CHATGLM2,
    CHATGLM3,
    ListedEngine,
    asked,
    conversation,
    scripted,
    serve,
)
from tests.support.paths import needs_tokenizer
from tests.support.tokenizers import published_tokenizer

LONG = "今天天气怎么样？" * 3
HISTORY = (
    ("system", "You are a helpful assistant."),
    ("user", LONG),
    ("assistant", LONG),
    ("user", LONG),
    ("assistant", LONG),
    ("user", "介绍下杭州"),
)


@pytest.mark.parametrize("tokenizer", [CHATGLM3, CHATGLM2])
async def test_long_history_loses_its_oldest_turns_and_the_counts_are_logged(tokenizer, logs):
    counts = [len(tokenizer.encode(content)) for _, content in HISTORY]
    limit = sum(counts) - 1
    prompt_ids, _ = await asked(
        conversation(*HISTORY, request_id="r-7"), tokenizer, Limits(7500, limit, 1500)
    )
    left = [HISTORY[0], *HISTORY[3:]]
    expected, _ = await asked(conversation(*left), tokenizer)
    assert prompt_ids == expected
    (log,) = logs
    assert (log["event"], log["request_id"]) == ("history_trimmed", "r-7")
    assert (log["dropped_turns"], log["dropped_tokens"]) == (1, counts[1] + counts[2])
    assert log["input_tokens"] == sum(counts) - counts[1] - counts[2]
    assert not any(content in str(log) for _, content in HISTORY)


async def test_what_fits_is_not_logged(logs):
    await asked(conversation(*HISTORY))
    assert logs == []


async def test_trimming_keeps_within_the_networks_positions():
    whole, _ = await asked(conversation(*HISTORY))
    prompt_ids, sampling = await asked(conversation(*HISTORY), max_positions=len(whole))
    expected, _ = await asked(conversation(HISTORY[0], *HISTORY[3:]))
    assert prompt_ids == expected
    assert sampling.max_new_tokens == len(whole) - len(expected)


@needs_tokenizer
async def test_six_thousand_pass_and_one_more_is_refused():
    tokenizer = published_tokenizer(Family.CHATGLM3)
    service = serve(scripted(tokenizer), tokenizer)
    spare = len(tokenizer.encode("1" * 100)) - 100  # each digit is a piece of its own
    longest = 6000 - spare
    assert service.prepare(conversation(("user", "1" * longest))).input_tokens == 6000
    with pytest.raises(InvalidParameter) as refusal:
        service.prepare(conversation(("user", "1" * (longest + 1))))
    assert refusal.value.message == "Range of input length should be [1, 6000]"


def test_an_empty_conversation_is_refused():
    with pytest.raises(InvalidParameter, match=r"\[1, 6000\]"):
        serve(ListedEngine()).prepare(conversation(("user", "")))
