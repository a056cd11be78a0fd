from __future__ import annotations

import pytest

from glmscope.errors import UsageError
from glmscope.evaluate.ask import ask_all
from tests.evaluate.support import TOKENIZER, WEATHER, PreparedEngine, check, generated, served

GREETING = check("identity", {"any": ["好"]}, "你是谁")
CALLING = check("tools", {"call": None}, "杭州天气", tools=[WEATHER])
CALL = generated("```python\ntool_call(city='杭州')\n```", "get_weather")


@pytest.fixture
def engine() -> PreparedEngine:
    return PreparedEngine([(GREETING, generated("你好")), (CALLING, CALL)])


async def test_answers_come_in_the_order_of_the_questions(engine: PreparedEngine) -> None:
    heard = []
    answers = await ask_all(served(engine), [CALLING, GREETING], lambda: heard.append(1))
    assert [answer.check for answer in answers] == [CALLING, GREETING]
    assert answers[0].turn.answer.parameters == {"city": "杭州"}
    assert answers[1].text == "你好"
    assert all(answer.ended for answer in answers)
    assert len(heard) == 2


async def test_it_asks_greedily_for_as_much_as_the_server_gives(engine: PreparedEngine) -> None:
    await ask_all(served(engine, output=7), [GREETING])
    (sampling,) = engine.asked
    assert (sampling.temperature, sampling.max_new_tokens) == (0.0, 7)
    assert sampling.stop_ids == TOKENIZER.stop_ids


async def test_an_answer_that_the_limit_cuts_has_not_ended(engine: PreparedEngine) -> None:
    (answer,) = await ask_all(served(engine, output=3), [GREETING])
    assert not answer.ended
    assert len(answer.ids) == 3


async def test_an_endless_repetition_is_cut_as_the_server_cuts_it() -> None:
    engine = PreparedEngine([(GREETING, generated("好" * 2000))])
    (answer,) = await ask_all(served(engine), [GREETING])
    assert not answer.ended
    assert len(answer.ids) < 300


async def test_a_question_without_room_for_an_answer_is_refused(engine: PreparedEngine) -> None:
    engine.max_positions = 4
    with pytest.raises(UsageError, match="longer than the model's context"):
        await ask_all(served(engine), [GREETING])
