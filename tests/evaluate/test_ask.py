from __future__ import annotations

import pytest

from glmscope.errors import UsageError
from glmscope.evaluate.ask import ask_all
from glmscope.evaluate.checks import Check
from glmscope.family import Family
from glmscope.text.prompt import PromptMessage, chatglm2_prompt
from tests.evaluate.support import TOKENIZER, WEATHER, PreparedEngine, check, generated, served
from tests.support.tokenizers import builtin_tokenizer

GREETING = check("identity", {"any": ["好"]}, "你是谁")
CALLING = check("tools", {"call": None}, "杭州天气", tools=[WEATHER])
CALL = generated("```python\ntool_call(city='杭州')\n```", "get_weather")


@pytest.fixture
def engine() -> PreparedEngine:
    return PreparedEngine([(GREETING, generated("你好")), (CALLING, CALL)])


async def test_answers_come_in_the_order_of_the_questions(engine: PreparedEngine) -> None:
    heard = []
    answers = await ask_all(
        [(served(engine), CALLING), (served(engine), GREETING)], lambda: heard.append(1)
    )
    assert [answer.check for answer in answers] == [CALLING, GREETING]
    assert answers[0].turn.answer.parameters == {"city": "杭州"}
    assert answers[1].text == "你好"
    assert all(answer.ended for answer in answers)
    assert len(heard) == 2


async def test_it_asks_greedily_for_as_much_as_the_server_gives(engine: PreparedEngine) -> None:
    await ask_all([(served(engine, output=7), GREETING)])
    (sampling,) = engine.asked
    assert (sampling.temperature, sampling.max_new_tokens) == (0.0, 7)
    assert sampling.stop_ids == TOKENIZER.stop_ids


async def test_an_answer_that_the_limit_cuts_has_not_ended(engine: PreparedEngine) -> None:
    (answer,) = await ask_all([(served(engine, output=3), GREETING)])
    assert not answer.ended
    assert len(answer.ids) == 3


async def test_an_endless_repetition_is_cut_as_the_server_cuts_it() -> None:
    engine = PreparedEngine([(GREETING, generated("好" * 2000))])
    (answer,) = await ask_all([(served(engine), GREETING)])
    assert not answer.ended
    assert len(answer.ids) < 400


async def test_a_question_without_room_for_an_answer_is_refused(engine: PreparedEngine) -> None:
    engine.max_positions = 4
    with pytest.raises(UsageError, match="longer than the model's context"):
        await ask_all([(served(engine), GREETING)])


async def test_a_model_of_the_other_family_is_asked_in_rounds() -> None:
    tokenizer = builtin_tokenizer(Family.CHATGLM2)
    messages = (
        PromptMessage("system", "You are kind."),
        PromptMessage("user", "北京在哪里"),
        PromptMessage("assistant", "在北方"),
        PromptMessage("user", "人口呢"),
    )
    engine = PreparedEngine()
    prompt = chatglm2_prompt(tokenizer, [("北京在哪里", "在北方")], "You are kind.人口呢")
    engine.prepare(prompt, tokenizer.encode("很多"))
    check = Check("rounds", "a", messages)
    (answer,) = await ask_all([(served(engine, tokenizer=tokenizer), check)])
    assert answer.text == "很多"
    assert engine.asked[0].stop_ids == {tokenizer.special.eos}
    with pytest.raises(UsageError, match="Rounds cannot hold"):
        await ask_all([(served(engine, tokenizer=tokenizer), CALLING)])
