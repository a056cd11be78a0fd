from __future__ import annotations

import asyncio
import json
import time

import pytest

from glmscope.engine.engine import Sampling
from glmscope.engine.fault import Fault
from glmscope.engine.faulty import FaultyEngine
from glmscope.engine.script import Script
from glmscope.engine.scripted import ScriptedEngine
from glmscope.errors import ModelUnavailable, ServiceError

TEN = Sampling(max_new_tokens=10, temperature=0)


def engine(fault: Fault | None, ids_per_step: int = 1) -> FaultyEngine:
    """An engine that counts: ids 0, 1, 2, …"""
    script = Script.from_json(
        json.dumps({"rules": [{"reply": "x", "ids_per_step": ids_per_step}]}), "this script"
    )
    scripted = ScriptedEngine(
        lambda _text: list(range(100)), lambda _ids: "", script, end_id=999, max_positions=1000
    )
    return FaultyEngine(scripted, lambda: fault)


async def ids_of(faulty: FaultyEngine, into: list[int]) -> None:
    async for step in faulty.generate([1], TEN):
        into.extend(step.ids)


async def test_without_a_fault_it_is_the_engine() -> None:
    for fault in (None, Fault(drop_after=1)):
        ids: list[int] = []
        await ids_of(engine(fault), ids)
        assert ids == list(range(10))


@pytest.mark.parametrize("ids_per_step", [1, 3, 20])
@pytest.mark.parametrize("count", [0, 1, 3, 4, 10])
async def test_it_fails_after_so_many_ids(count: int, ids_per_step: int) -> None:
    ids: list[int] = []
    with pytest.raises(ServiceError) as caught:
        await ids_of(engine(Fault(error_after=count), ids_per_step), ids)
    assert caught.value.code == "InternalError.Algo"
    assert ids == list(range(count))


async def test_a_reply_that_ends_before_does_not_fail() -> None:
    ids: list[int] = []
    await ids_of(engine(Fault(error_after=11)), ids)
    assert len(ids) == 10


async def test_tokens_take_their_time_however_they_come() -> None:
    for ids_per_step in (1, 5):
        begun = time.monotonic()
        await ids_of(engine(Fault(first_token_ms=100, token_ms=10), ids_per_step), [])
        assert time.monotonic() - begun >= 0.19


async def test_closing_ends_a_wait() -> None:
    faulty = engine(Fault(first_token_ms=3_600_000))
    waiting = asyncio.create_task(ids_of(faulty, []))
    await asyncio.sleep(0.01)
    assert faulty.load().running == 1
    await faulty.close()
    with pytest.raises(ModelUnavailable):
        await waiting
    assert faulty.load().running == 0
