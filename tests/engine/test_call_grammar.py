"""Calls of a random network that is held to declared tools: whatever it draws is a valid call."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from glmscope.cli.vocabulary import vocabulary_of
from glmscope.engine.engine import CallableTool, CallRule, Sampling
from glmscope.engine.json_follow import follows
from glmscope.engine.json_schema import read_json_schema
from glmscope.engine.openvino import OpenVINOEngine
from glmscope.engine.vocabulary import Vocabulary
from glmscope.errors import InvalidParameter
from glmscope.family import Family
from glmscope.model.convert import convert
from glmscope.text.reply import ToolCall, parse_turn_ids
from glmscope.text.toolcall import write_fenced_call
from tests.engine.schemas import random_parameters
from tests.support.checkpoints import write_checkpoint
from tests.support.tokenizers import builtin_tokenizer

TOKENIZER = builtin_tokenizer(Family.CHATGLM3)
WORDS = vocabulary_of(TOKENIZER)
PROMPT = TOKENIZER.encode("你好")
WEATHER = CallableTool(
    "get_weather",
    '{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"}},'
    '"required":["city"],"additionalProperties":false}',
)
WILD = Sampling(900, temperature=1.9, top_p=1.0, stop_ids=TOKENIZER.stop_ids)


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("calls")
    write_checkpoint(directory / "source", padded_vocab_size=1100, seq_length=1024)
    convert(directory / "source", directory / "converted", weights="fp32")
    return directory / "converted"


@pytest.fixture
async def engine(converted: Path) -> AsyncIterator[OpenVINOEngine]:
    engine = await asyncio.to_thread(OpenVINOEngine.open, converted, vocabulary=WORDS)
    yield engine
    await engine.close()


async def reply(engine: OpenVINOEngine, sampling: Sampling) -> tuple[list[int], str | None]:
    ids: list[int] = []
    finish = None
    async for step in engine.generate(PROMPT, sampling):
        ids += step.ids
        finish = step.finish
    return ids, finish


async def test_whatever_is_drawn_a_held_call_is_a_declared_one(engine: OpenVINOEngine):
    """Random tools, one of which is called with arguments that follow what it declares."""

    async def check(seed: int) -> bool:
        rng = random.Random(seed)
        tools = {f"tool_{n}": random_parameters(rng) for n in range(rng.randint(1, 3))}
        callables = [CallableTool(name, json.dumps(each)) for name, each in tools.items()]
        rule = CallRule(tuple(callables), must_call=True, several=False)
        ids, finish = await reply(engine, replace(WILD, seed=seed, calls=rule))
        if finish != "stop":
            return False
        call = parse_turn_ids(TOKENIZER, ids, tools_offered=True).answer
        assert isinstance(call, ToolCall), TOKENIZER.decode(ids)
        jsonschema.validate(call.parameters, tools[call.name])
        assert follows(read_json_schema(json.dumps(tools[call.name])), call.parameters)
        return True

    finished = await asyncio.gather(*(check(seed) for seed in range(40)))
    assert sum(finished) >= 32  # a list of lists may go on beyond the limit


async def test_a_call_is_spelled_as_histories_spell_it(engine: OpenVINOEngine):
    parameters = '{"type":"object","properties":{"a":{"type":"boolean"},"b":{"enum":["x",null]}}}'
    rule = CallRule((CallableTool("f", parameters),), must_call=True, several=False)
    for seed in range(10):
        ids, _ = await reply(engine, replace(WILD, seed=seed, calls=rule))
        turn = parse_turn_ids(TOKENIZER, ids, tools_offered=True)
        assert isinstance(turn.answer, ToolCall)
        assert turn.parts[-1].content.lstrip(" ") == write_fenced_call(turn.answer.parameters)


async def test_a_turn_that_need_not_call_is_a_text_or_a_declared_call(engine: OpenVINOEngine):
    kinds = set()
    for seed in range(40):
        sampling = replace(WILD, seed=seed, max_new_tokens=200, calls=CallRule((WEATHER,)))
        ids, finish = await reply(engine, sampling)
        first = parse_turn_ids(TOKENIZER, ids, tools_offered=True).parts[0]
        assert first.metadata.strip() in ("", "get_weather")
        if first.metadata.strip() and finish == "stop":
            assert first.content.lstrip(" ").startswith("```python\ntool_call(city=")
        kinds.add(first.metadata.strip())
    assert kinds == {"", "get_weather"}


async def test_only_where_it_may_a_call_is_followed_by_another(engine: OpenVINOEngine):
    short = CallableTool("f", '{"type":"object","additionalProperties":false}')
    counts = {False: set(), True: set()}
    for several in counts:
        rule = CallRule((short,), must_call=True, several=several)
        for seed in range(20):
            ids, _ = await reply(engine, replace(WILD, seed=seed, max_new_tokens=150, calls=rule))
            counts[several].add(1 + ids.count(TOKENIZER.special.assistant))
    assert counts[False] == {1}
    assert max(counts[True]) > 1


async def test_without_the_ids_of_turns_calls_are_refused(converted: Path):
    vocabulary = Vocabulary(WORDS.pieces, WORDS.end_id)
    engine = await asyncio.to_thread(OpenVINOEngine.open, converted, vocabulary=vocabulary)
    assert "calls" not in engine.abilities
    with pytest.raises(InvalidParameter, match="calls"):
        await reply(engine, replace(WILD, calls=CallRule((WEATHER,))))
    await engine.close()


async def test_code_for_an_interpreter_is_drawn_in_its_fence(engine: OpenVINOEngine) -> None:
    rule = CallRule((), must_call=True, several=False, code="interpreter")
    for seed in range(3):
        ids, finish = await reply(engine, replace(WILD, calls=rule, seed=seed))
        text = TOKENIZER.decode(ids).lstrip(" ")
        assert text.startswith("interpreter\n ```python\n") or text.startswith(
            "interpreter\n```python\n"
        )
        assert finish != "stop" or text.endswith("\n```")
