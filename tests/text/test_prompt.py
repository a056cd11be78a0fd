from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmscope.family import Family
from glmscope.text.prompt import (
    TOOLS_HEADER,
    PromptMessage,
    chatglm2_continuation,
    chatglm2_prompt,
    chatglm2_text,
    chatglm3_continuation,
    chatglm3_prompt,
)
from glmscope.text.tokenizer import ROLE_SPECIALS, Tokenizer
from tests.support.paths import needs_tokenizer
from tests.support.tokenizers import builtin_tokenizer, published_tokenizer

roles = st.sampled_from(["system", "user", "assistant", "observation"])
contents = st.one_of(st.text(max_size=20), st.sampled_from(ROLE_SPECIALS))
messages = st.builds(PromptMessage, roles, contents, contents)


@pytest.fixture
def two() -> Tokenizer:
    return builtin_tokenizer(Family.CHATGLM2)


@pytest.fixture
def three() -> Tokenizer:
    return builtin_tokenizer(Family.CHATGLM3)


@needs_tokenizer
def test_the_example_of_the_specification() -> None:
    tokenizer = published_tokenizer(Family.CHATGLM3)
    ids = chatglm3_prompt(tokenizer, [PromptMessage("user", "你好")])
    assert ids == [64790, 64792, 64795, 30910, 13, 36474, 54591, 64796]


@given(conversation=st.lists(messages, max_size=5))
def test_special_ids_come_from_the_structure_alone(conversation: list[PromptMessage]) -> None:
    tokenizer = builtin_tokenizer(Family.CHATGLM3)
    ids = chatglm3_prompt(tokenizer, conversation)
    names = [tokenizer.piece(i) for i in ids if i >= tokenizer.piece_count or i <= 2]
    roles = [f"<|{message.role}|>" for message in conversation]
    assert names == ["[gMASK]", "sop", *roles, "<|assistant|>"]


@given(history=st.lists(messages, max_size=3), new=st.lists(messages, max_size=3))
def test_a_continuation_completes_the_full_prompt(
    history: list[PromptMessage], new: list[PromptMessage]
) -> None:
    tokenizer = builtin_tokenizer(Family.CHATGLM3)
    *cached, _ = chatglm3_prompt(tokenizer, history)
    assert cached + chatglm3_continuation(tokenizer, new) == chatglm3_prompt(
        tokenizer, [*history, *new]
    )


def test_metadata_is_the_line_after_the_role(three: Tokenizer) -> None:
    call = PromptMessage("assistant", "x", metadata="get_weather")
    ids = chatglm3_continuation(three, [call])
    assistant = three.special.assistant
    assert ids == [assistant, *three.encode("get_weather\n"), *three.encode("x"), assistant]


def test_tools_follow_the_header_as_indented_json() -> None:
    message = PromptMessage("system", TOOLS_HEADER, tools=[{"name": "天气"}])
    assert message.text == f'{TOOLS_HEADER}\n[\n    {{\n        "name": "天气"\n    }}\n]'
    assert PromptMessage("system", "a", tools=[]).text == "a\n[]"


def test_only_a_system_message_can_offer_tools() -> None:
    with pytest.raises(ValueError, match="Only a system message"):
        PromptMessage("user", "a", tools=[])


def test_rounds_are_numbered_from_one() -> None:
    assert chatglm2_text([("q1", "a1")], "q2") == (
        "[Round 1]\n\n问：q1\n\n答：a1\n\n[Round 2]\n\n问：q2\n\n答："
    )


@given(turns=st.lists(st.tuples(contents, contents), max_size=3), query=contents)
def test_rounds_hold_no_special_id_but_the_prefix(turns: list[tuple[str, str]], query: str) -> None:
    tokenizer = builtin_tokenizer(Family.CHATGLM2)
    gmask, sop, *ids = chatglm2_prompt(tokenizer, turns, query)
    assert [gmask, sop] == tokenizer.prefix_ids
    assert all(2 < token_id < tokenizer.piece_count for token_id in ids)
    assert tokenizer.decode(ids) == chatglm2_text(turns, query).replace("\u2581", " ")


def test_the_next_round_completes_the_full_prompt(two: Tokenizer) -> None:
    cached = chatglm2_prompt(two, [], "你好") + two.encode("a")[1:]
    answer = two.decode(cached).rpartition("答：")[2]
    continued = cached + chatglm2_continuation(two, 1, "q")
    assert two.decode(continued) == chatglm2_text([("你好", answer)], "q")
    assert chatglm2_continuation(two, 1, "q")[0] == two.encode("\n")[-1]


def test_without_cached_turns_the_prompt_is_full(two: Tokenizer) -> None:
    assert chatglm2_continuation(two, 0, "q") == chatglm2_prompt(two, [], "q")


def test_chatglm2_has_no_roles(two: Tokenizer) -> None:
    with pytest.raises(ValueError, match="has no roles"):
        chatglm3_prompt(two, [PromptMessage("user", "a")])
