from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmscope.family import Family
from glmscope.text.reply import (
    BrokenCall,
    ParsedTurn,
    RawCall,
    ToolCall,
    TurnPart,
    parse_turn,
    parse_turn_ids,
)
from tests.support.tokenizers import builtin_tokenizer

CALL = "get_weather\n ```python\ntool_call(city='上海', days=7)\n```"

turn_text = st.lists(
    st.one_of(
        st.sampled_from(["<|assistant|>", "\n", "tool", "tool_call(a=1)", "```", "[[训练时间]]"]),
        st.text(max_size=4),
    )
).map("".join)


@given(text=turn_text, tools_offered=st.booleans())
def test_any_text_is_an_answer_or_a_call(text: str, tools_offered: bool) -> None:
    turn = parse_turn(text, tools_offered)
    assert len(turn.parts) == text.count("<|assistant|>") + 1
    last = turn.parts[-1]
    if last.metadata.strip():
        assert isinstance(turn.answer, ToolCall | BrokenCall if tools_offered else RawCall)
        assert turn.answer.name == last.metadata.strip()
    else:
        assert turn.answer == last.content.replace("[[训练时间]]", "2023年")


@pytest.mark.parametrize("family", Family)
@given(ids=st.lists(st.integers(0, 1100)), tools_offered=st.booleans())
def test_any_ids_are_an_answer_or_a_call(
    family: Family, ids: list[int], tools_offered: bool
) -> None:
    tokenizer = builtin_tokenizer(family)
    turn = parse_turn_ids(tokenizer, ids, tools_offered)
    assert turn.parts
    if "<|assistant|>" not in "".join(tokenizer.piece(i) for i in ids if i < 1024):
        read_from_text = family is Family.CHATGLM3 and ids[-1:] != [2]
        if read_from_text and not (ids and ids[-1] in tokenizer.stop_ids):
            assert turn == parse_turn(tokenizer.decode(ids), tools_offered)


def test_a_plain_answer_is_stripped_and_dated() -> None:
    assert parse_turn("\n 今天是[[训练时间]]。 ", tools_offered=False) == ParsedTurn(
        (TurnPart("", "今天是[[训练时间]]。"),), "今天是2023年。"
    )


def test_a_tool_call_carries_its_arguments() -> None:
    turn = parse_turn(CALL, tools_offered=True)
    assert turn.answer == ToolCall("get_weather", {"city": "上海", "days": 7})
    assert turn.parts == (TurnPart("get_weather", CALL.partition("\n")[2]),)


def test_a_call_is_raw_where_no_tools_were_offered() -> None:
    turn = parse_turn("interpreter\n```python\nprint(1)\n```", tools_offered=False)
    assert turn.answer == RawCall("interpreter", "```python\nprint(1)\n```")


def test_a_call_that_cannot_be_read_is_broken_and_kept() -> None:
    turn = parse_turn("get_weather\nnot code", tools_offered=True)
    assert isinstance(turn.answer, BrokenCall)
    assert (turn.answer.name, turn.answer.content) == ("get_weather", "not code")
    assert turn.answer.reason


def test_a_call_is_never_evaluated() -> None:
    evil = "t\n```python\ntool_call(a=__import__('os').abort())\n```"
    assert isinstance(parse_turn(evil, tools_offered=True).answer, BrokenCall)


def test_the_last_part_is_the_answer_and_all_are_kept() -> None:
    turn = parse_turn(f"\n 好的<|assistant|>{CALL}", tools_offered=True)
    assert turn.parts[0] == TurnPart("", "好的")
    assert turn.answer == ToolCall("get_weather", {"city": "上海", "days": 7})


def test_only_the_role_id_begins_a_part() -> None:
    tokenizer = builtin_tokenizer(Family.CHATGLM3)
    assistant = tokenizer.special.assistant
    assert assistant is not None
    typed = tokenizer.encode("a<|assistant|>b\nc")
    answer = "a<|assistant|>b\nc"
    assert parse_turn_ids(tokenizer, typed, False).parts == (TurnPart("a<|assistant|>b", "c"),)
    plain = [tokenizer.encode("\n")[-1], *typed]
    assert parse_turn_ids(tokenizer, plain, False) == ParsedTurn((TurnPart("", answer),), answer)
    two = parse_turn_ids(tokenizer, [*plain, assistant, *tokenizer.encode("x\ny")], False)
    assert two == ParsedTurn((TurnPart("", answer), TurnPart(" x", "y")), RawCall("x", "y"))


@pytest.mark.parametrize("family", Family)
def test_only_a_stop_id_is_dropped_at_the_end(family: Family) -> None:
    tokenizer = builtin_tokenizer(family)
    ids = tokenizer.encode("abc")
    for stop in tokenizer.stop_ids:
        assert parse_turn_ids(tokenizer, [*ids, stop], False).answer == "abc"
    assert parse_turn_ids(tokenizer, ids, False).answer == "abc"


def test_chatglm2_has_neither_parts_nor_calls() -> None:
    tokenizer = builtin_tokenizer(Family.CHATGLM2)
    turn = parse_turn_ids(tokenizer, tokenizer.encode(" tool\n[[训练时间]]\n"), True)
    assert turn == ParsedTurn((TurnPart("", "tool\n[[训练时间]]"),), "tool\n2023年")
