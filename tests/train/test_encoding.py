"""What a dialogue teaches: exactly what serving will ask the model to write."""

from __future__ import annotations

import pytest

from glmscope.family import Family
from glmscope.text.prompt import PromptMessage, chatglm2_prompt, chatglm3_prompt
from glmscope.text.reply import parse_turn_ids
from glmscope.text.tokenizer import Tokenizer
from glmscope.text.toolcall import write_fenced_call
from glmscope.train.dialogue import Dialogue
from glmscope.train.encoding import Example, chatglm2_example, chatglm3_example
from tests.train.tiny import tiny_tokenizer, tiny_vocabulary

TOKENIZER = tiny_tokenizer()
CALL = write_fenced_call({"city": "杭州"})
DIALOGUE = (
    PromptMessage("system", "Tools:", tools=[{"name": "get_weather"}]),
    PromptMessage("user", "杭州的天气"),
    PromptMessage("assistant", CALL, metadata="get_weather"),
    PromptMessage("observation", "晴"),
    PromptMessage("assistant", "杭州今天晴。"),
    PromptMessage("user", "谢谢"),
    PromptMessage("assistant", "不客气！"),
)


def learned_stretches(example: Example) -> list[tuple[list[int], list[int]]]:
    """Each learned stretch with everything before it."""
    found: list[tuple[list[int], list[int]]] = []
    for place, learned in enumerate(example.learned):
        if learned and not example.learned[place - 1]:
            found.append((example.ids[:place], []))
        if learned:
            found[-1][1].append(example.ids[place])
    return found


def test_each_turn_follows_the_prompt_that_serving_would_build() -> None:
    stretches = learned_stretches(chatglm3_example(TOKENIZER, DIALOGUE))
    asked = [2, 4, 6]  # the assistant's messages
    assert len(stretches) == len(asked)
    for (prompt, written), place in zip(stretches, asked, strict=True):
        assert prompt == chatglm3_prompt(TOKENIZER, DIALOGUE[:place])
        assert written[-1] in TOKENIZER.stop_ids


def test_what_is_written_is_read_back_as_call_and_answers() -> None:
    stretches = learned_stretches(chatglm3_example(TOKENIZER, DIALOGUE))
    turns = [parse_turn_ids(TOKENIZER, written[:-1], True) for _, written in stretches]
    call = turns[0].answer
    assert not isinstance(call, str)
    assert (call.name, call.parameters) == ("get_weather", {"city": "杭州"})
    assert [turn.answer for turn in turns[1:]] == ["杭州今天晴。", "不客气！"]


def test_a_call_ends_with_observation_and_an_answer_with_user() -> None:
    special = TOKENIZER.special
    ends = [stretch[-1] for _, stretch in learned_stretches(chatglm3_example(TOKENIZER, DIALOGUE))]
    assert ends == [special.observation, special.user, special.user]
    cut = chatglm3_example(TOKENIZER, DIALOGUE[:3])
    assert cut.ids[-1] == special.observation
    assert cut.learned[-1]


def test_what_another_assistant_said_is_read_and_not_learned() -> None:
    whole = chatglm3_example(TOKENIZER, DIALOGUE)
    example = chatglm3_example(TOKENIZER, DIALOGUE, read=[4])
    assert example.ids == whole.ids
    call, _, thanks = learned_stretches(whole)
    assert learned_stretches(example) == [call, thanks]


def test_rounds_teach_the_last_answer_and_the_end_token() -> None:
    messages = (PromptMessage("system", "请简短。"), *DIALOGUE[5:], *DIALOGUE[5:])
    example = chatglm2_example(TOKENIZER, messages)
    ((prompt, written),) = learned_stretches(example)
    tokenizer = Tokenizer(tiny_vocabulary(), Family.CHATGLM2)
    assert prompt == chatglm2_prompt(tokenizer, [("谢谢", "不客气！")], "请简短。谢谢")
    assert tokenizer.decode(written[:-1]) == "不客气！"
    assert written[-1] == 2
    assert tokenizer.stop_ids == {2}


@pytest.mark.parametrize(
    ("messages", "fits"),
    [
        (DIALOGUE[5:], True),
        ((PromptMessage("system", "x"), *DIALOGUE[5:]), True),
        (DIALOGUE, False),
        (DIALOGUE[5:6], False),
        (DIALOGUE[3:5], False),
        (DIALOGUE[1:3], False),
    ],
)
def test_only_plain_dialogues_fit_rounds(messages: tuple[PromptMessage, ...], fits: bool) -> None:
    assert Dialogue("any", messages).fits_rounds == fits
