"""Replies of a random network that is held to a schema: whatever it draws, the JSON follows."""

from __future__ import annotations

import asyncio
import json
from codecs import getincrementaldecoder
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from glmscope.engine.engine import ANY_OBJECT, Sampling, TokenLogprob
from glmscope.engine.openvino import OpenVINOEngine
from glmscope.engine.vocabulary import Vocabulary
from glmscope.errors import InvalidParameter
from glmscope.family import Family
from glmscope.model.convert import convert
from tests.engine.test_json_schema import FOLLOWED, doubling
from tests.engine.test_logprobs import expected
from tests.support.checkpoints import write_checkpoint
from tests.support.tokenizers import builtin_tokenizer

TOKENIZER = builtin_tokenizer(Family.CHATGLM3)
VOCABULARY = Vocabulary(
    [TOKENIZER.id_bytes(token_id) for token_id in range(TOKENIZER.vocab_size)],
    TOKENIZER.special.eos,
)
PROMPT = TOKENIZER.encode("你好")
WILD = Sampling(
    700, temperature=1.9, top_p=1.0, stop_ids=TOKENIZER.stop_ids, json_schema=ANY_OBJECT
)
SMALL = '{"type":"object","properties":{"a":{"type":"boolean"}},"required":["a"]}'


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More ids than the vocabulary has words, as the published networks."""
    directory = tmp_path_factory.mktemp("json")
    write_checkpoint(directory / "source", padded_vocab_size=1100, seq_length=1024)
    convert(directory / "source", directory / "converted", weights="fp32")
    return directory / "converted"


@pytest.fixture
async def engine(converted: Path) -> AsyncIterator[OpenVINOEngine]:
    engine = await asyncio.to_thread(OpenVINOEngine.open, converted, vocabulary=VOCABULARY)
    yield engine
    await engine.close()


async def reply(engine: OpenVINOEngine, sampling: Sampling) -> tuple[str, str | None]:
    ids: list[int] = []
    finish = None
    async for step in engine.generate(PROMPT, sampling):
        ids += step.ids
        finish = step.finish
    return TOKENIZER.decode(ids), finish


async def test_whatever_is_drawn_a_finished_reply_follows_the_schema(engine: OpenVINOEngine):
    async def check(schema: dict[str, Any], seed: int) -> bool:
        sampling = replace(WILD, seed=seed, json_schema=json.dumps(schema))
        text, finish = await reply(engine, sampling)
        if finish == "stop":
            jsonschema.validate(json.loads(text), schema)
        return finish == "stop"

    for schema in FOLLOWED:
        finished = await asyncio.gather(*(check(schema, seed) for seed in range(6)))
        assert any(finished) or schema == FOLLOWED[2], schema  # a tree of trees seldom ends


async def test_nothing_stands_around_the_json_and_ids_without_text_are_never_drawn(engine):
    for seed in range(4):
        ids: list[int] = []
        async for step in engine.generate(PROMPT, replace(WILD, seed=seed, max_new_tokens=60)):
            ids += step.ids
        assert TOKENIZER.decode(ids).startswith("{")
        assert all(TOKENIZER.id_bytes(token_id) for token_id in ids)


@pytest.mark.parametrize(
    "schema",
    [{"type": "string"}, {"type": "string", "minLength": 5, "maxLength": 40}, {"type": "object"}],
)
async def test_texts_are_utf8_to_the_byte(engine: OpenVINOEngine, schema: dict[str, Any]):
    """A vocabulary has ids of single bytes, which spell no character in most orders."""
    beyond_ascii = 0
    for seed in range(8):
        given = json.dumps(schema)
        sampling = replace(WILD, seed=seed, max_new_tokens=60, json_schema=given)
        spelled = b""
        async for step in engine.generate(PROMPT, sampling):
            spelled += b"".join(TOKENIZER.id_bytes(token_id) for token_id in step.ids)
        # What the limit has cut may end within a character.
        getincrementaldecoder("utf-8")().decode(spelled)
        beyond_ascii += sum(byte > 0x7F for byte in spelled)
    assert beyond_ascii > 20


async def test_a_seed_gives_the_same_json_again_beside_other_replies(engine: OpenVINOEngine):
    sampling = replace(WILD, seed=7)
    alone = await reply(engine, sampling)
    crowd = await asyncio.gather(
        reply(engine, sampling),
        reply(engine, replace(sampling, json_schema=None, max_new_tokens=30)),
        reply(engine, replace(sampling, json_schema=SMALL)),
    )
    assert crowd[0] == alone
    assert json.loads(crowd[2][0])["a"] in (True, False)


async def test_logprobs_are_those_of_the_network_unconstrained(engine, converted: Path):
    known: list[TokenLogprob] = []
    sampling = replace(WILD, seed=1, logprobs=0, json_schema=SMALL)
    async for step in engine.generate(PROMPT, sampling):
        known += step.logprobs
    ids = [*PROMPT, *(each.id for each in known)]
    assert [each.logprob for each in known] == pytest.approx(
        expected(converted, ids)[len(PROMPT) - 1 :], abs=1e-3
    )


@pytest.mark.parametrize(
    "schema", ["{", '{"type":"nonsense"}', '{"pattern":"(a+)+$"}', '{"$ref":"#"}', "[" * 5000]
)
async def test_a_schema_that_cannot_be_followed_harms_nobody(engine: OpenVINOEngine, schema: str):
    other = asyncio.create_task(reply(engine, replace(WILD, seed=3)))
    with pytest.raises(InvalidParameter):
        await reply(engine, replace(WILD, json_schema=schema))
    text, finish = await other
    assert finish == "length" or json.loads(text) is not None


async def test_a_schema_of_an_enormous_document_is_cut_by_the_limit(engine: OpenVINOEngine):
    sampling = replace(WILD, seed=1, max_new_tokens=50, json_schema=json.dumps(doubling(60)))
    assert (await reply(engine, sampling))[1] == "length"


async def test_without_a_vocabulary_json_is_refused(converted: Path):
    engine = await asyncio.to_thread(OpenVINOEngine.open, converted)
    assert "json" not in engine.abilities
    with pytest.raises(InvalidParameter, match="JSON"):
        await reply(engine, WILD)
    await engine.close()


async def test_a_pipeline_worn_by_schemas_is_opened_anew(converted: Path, monkeypatch):
    monkeypatch.setattr("glmscope.engine.pipeline._MOST_GRAMMAR_CHARACTERS", 3000)
    engine = await asyncio.to_thread(OpenVINOEngine.open, converted, vocabulary=VOCABULARY)
    opened = []
    real = engine._worker._open_pipeline
    monkeypatch.setattr(
        engine._worker, "_open_pipeline", lambda: opened.append(real()) or opened[-1]
    )
    for number in range(6):
        schema = json.dumps({"type": "object", "required": [f"m{number}"]})
        text, _ = await reply(engine, replace(WILD, seed=number, json_schema=schema))
        assert text.startswith(f'{{"m{number}":')
    assert 1 <= len(opened) < 6
    await engine.close()
