"""Long prompts in pieces: the reply is the same, and replies beside them go on meanwhile."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from glmscope.cli.vocabulary import vocabulary_of
from glmscope.engine.engine import Sampling
from glmscope.engine.openvino import OpenVINOEngine
from glmscope.engine.pipeline import BLOCK_TOKENS, CHUNK_TOKENS, Pipeline
from glmscope.engine.reading import (
    PIECE_TOKENS,
    SLOWER,
    KnownBeginnings,
    Pace,
    Reading,
    slower,
)
from glmscope.family import Family
from glmscope.model.convert import convert
from glmscope.parity.network import Network
from tests.support.checkpoints import write_checkpoint
from tests.support.tokenizers import builtin_tokenizer

TOKENIZER = builtin_tokenizer(Family.CHATGLM3)
OPENING = (TOKENIZER.special.gmask, TOKENIZER.special.sop)
GREEDY = Sampling(6, temperature=0.0)
LONG = 900


def a_prompt(seed: int, length: int = LONG) -> list[int]:
    drawn = random.Random(seed)
    body = (drawn.randrange(TOKENIZER.piece_count) for _ in range(length - len(OPENING)))
    return [*OPENING, *body]


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that draws no id without a text or a role, as the published ones."""
    return _converted(tmp_path_factory.mktemp("reading"))


def _converted(directory: Path, **changes: object) -> Path:
    source = directory / "source"
    _, tensors = write_checkpoint(source, padded_vocab_size=1100, seq_length=2048, **changes)
    tensors["transformer.output_layer.weight"][TOKENIZER.vocab_size :] = 0
    save_file(tensors, source / "model.safetensors")
    convert(source, directory / "converted", weights="fp32")
    return directory / "converted"


@pytest.fixture
async def engine(converted: Path) -> AsyncIterator[OpenVINOEngine]:
    engine = await asyncio.to_thread(
        OpenVINOEngine.open, converted, prefix_cache=True, vocabulary=vocabulary_of(TOKENIZER)
    )
    yield engine
    await engine.close()


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Up to where each piece went, in order."""
    ends: list[int] = []
    read = Pipeline.read

    def noted(self: Pipeline, salted_ids: tuple[int, ...]) -> object:
        ends.append(len(salted_ids))
        return read(self, salted_ids)

    monkeypatch.setattr(Pipeline, "read", noted)
    return ends


async def _ids(engine: OpenVINOEngine, prompt: list[int], sampling: Sampling = GREEDY) -> list[int]:
    return [i async for step in engine.generate(prompt, sampling) for i in step.ids]


async def test_beside_a_reply_the_prompt_comes_in_small_pieces_and_is_answered_the_same(
    engine: OpenVINOEngine, converted: Path, pieces: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A step that a busy machine held up would be waited for until the reply has ended.
    monkeypatch.setattr(Pace, "allows_piece", True)
    plain = await asyncio.to_thread(OpenVINOEngine.open, converted)
    expected = await _ids(plain, a_prompt(1))
    beside = await _ids(plain, a_prompt(2, 20), replace(GREEDY, max_new_tokens=200))
    await plain.close()

    async with aclosing(
        engine.generate(a_prompt(2, 20), replace(GREEDY, max_new_tokens=200))
    ) as it:
        reply = list((await anext(it)).ids)
        long = asyncio.create_task(_ids(engine, a_prompt(1)))
        reply += [i async for step in it for i in step.ids]
    assert await long == expected
    assert reply == beside
    assert pieces[:3] == [PIECE_TOKENS, 2 * PIECE_TOKENS, 3 * PIECE_TOKENS]


LONG_CONTEXTS = {
    "chatglm3-6b-32k": {"rope_ratio": 50},
    "chatglm2-6b-32k": {"_name_or_path": "THUDM/chatglm2-6b-32k", "rope_ratio": 16},
}


@pytest.mark.parametrize("variant", LONG_CONTEXTS)
async def test_in_chunks_in_pieces_and_whole_are_one_with_long_context_rotations(
    tmp_path: Path, pieces: list[int], variant: str
) -> None:
    directory = _converted(tmp_path, **LONG_CONTEXTS[variant])
    network = Network(directory)
    divides = network.config.rotary_position_divisor != 1.0
    assert divides == variant.startswith("chatglm2")
    prompt, whole = a_prompt(9), []
    for _ in range(GREEDY.max_new_tokens):  # the whole of it in one pass, again and again
        network.start()
        ids = np.array([[*prompt, *whole]])
        logits = network.feed(ids, np.arange(ids.shape[1])[None]).logits
        whole.append(int(logits[0, -1].argmax()))
    engine = await asyncio.to_thread(
        OpenVINOEngine.open, directory, prefix_cache=True, vocabulary=vocabulary_of(TOKENIZER)
    )
    beside = engine.generate(a_prompt(10, 20), replace(GREEDY, max_new_tokens=300))
    async with aclosing(beside) as steps:
        await anext(steps)
        in_pieces = asyncio.create_task(_ids(engine, prompt))
        async for _ in steps:
            if in_pieces.done():
                break
    assert await in_pieces == whole
    assert PIECE_TOKENS in pieces
    pieces.clear()
    assert await _ids(engine, prompt) == whole
    assert pieces[0] == CHUNK_TOKENS
    await engine.close()


async def test_with_nobody_beside_it_a_piece_is_a_whole_chunk(
    engine: OpenVINOEngine, pieces: list[int]
) -> None:
    assert len(await _ids(engine, a_prompt(3))) == GREEDY.max_new_tokens
    assert pieces == [CHUNK_TOKENS, 2 * CHUNK_TOKENS, 3 * CHUNK_TOKENS]


async def test_what_a_scope_has_read_is_not_read_again(
    engine: OpenVINOEngine, pieces: list[int]
) -> None:
    mine = replace(GREEDY, cache_scope="mine")
    first = a_prompt(4)
    reply = await _ids(engine, first, mine)
    pieces.clear()
    again = [*first, *reply, *a_prompt(5, 100)[2:]]
    assert len(await _ids(engine, again, mine)) == GREEDY.max_new_tokens
    assert pieces == []
    await _ids(engine, again, replace(GREEDY, cache_scope="another"))
    assert pieces == [CHUNK_TOKENS, 2 * CHUNK_TOKENS, 3 * CHUNK_TOKENS]


async def test_a_reader_that_leaves_takes_the_prompt_along(engine: OpenVINOEngine) -> None:
    beside = asyncio.create_task(_ids(engine, a_prompt(6, 20), replace(GREEDY, max_new_tokens=300)))
    left = asyncio.create_task(_ids(engine, a_prompt(7)))
    await asyncio.sleep(0.05)
    left.cancel()
    assert len(await beside) == 300
    while engine.load().running:
        await asyncio.sleep(0.01)
    assert len(await _ids(engine, a_prompt(7))) == GREEDY.max_new_tokens


async def test_a_score_is_read_at_once(engine: OpenVINOEngine, pieces: list[int]) -> None:
    assert len(await engine.score(a_prompt(8))) == LONG - 1
    assert pieces == []


@pytest.mark.parametrize(("prompts", "replies"), [(1, 8), (1, 1), (12, 4)])
def test_the_pace_keeps_to_its_ratio_whatever_pieces_cost(prompts: int, replies: int) -> None:
    """Twice as long for one prompt; a burst of them is not held up by the first few replies."""
    times = slower(prompts, replies)
    assert times == (4 if prompts > replies else SLOWER)
    pace, usual = Pace(), 0.1
    assert not pace.allows_piece
    drawn = random.Random(0)
    spent = [usual]
    pace.stepped(usual, with_piece=False)
    for _ in range(2000):
        with_piece = pace.allows_piece
        seconds = usual + (drawn.uniform(0.1, 0.5) if with_piece else 0.0)
        pace.stepped(seconds, with_piece=with_piece, times=times)
        spent.append(seconds)
    assert 0.9 * times < sum(spent) / len(spent) / usual < 1.02 * times


def test_a_step_that_read_another_prompt_is_not_taken_for_usual() -> None:
    pace = Pace()
    for _ in range(3):
        pace.stepped(0.1, with_piece=False)
    pace.stepped(3.0, with_piece=False)
    pace.stepped(0.1, with_piece=False)
    pace.stepped(0.5, with_piece=True)
    assert not pace.allows_piece


def test_known_beginnings_are_whole_blocks() -> None:
    known = KnownBeginnings()
    assert known.length_of((1, 2, 3)) == 0
    ids = tuple(range(100))
    known.add(ids)
    assert known.length_of((*ids, 5)) == 3 * BLOCK_TOKENS
    assert known.length_of((*ids[:70], 5, 6)) == 2 * BLOCK_TOKENS
    assert known.length_of((5, *ids)) == 0


def test_the_rest_of_a_prompt_is_no_piece() -> None:
    reading = Reading(tuple(range(CHUNK_TOKENS + 1)), 0)
    assert reading.is_long
    assert reading.next_end(beside_replies=False) == CHUNK_TOKENS
    reading.read = CHUNK_TOKENS
    assert reading.next_end(beside_replies=False) is None
    assert not reading.is_long
