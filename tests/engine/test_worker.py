"""The worker's thread when the network fails: everyone is told, and the next reply works."""

from __future__ import annotations

import asyncio
import queue
import weakref
from types import SimpleNamespace
from typing import Any

import pytest

from glmscope.engine.engine import Sampling, Step
from glmscope.engine.worker import Delivery, Worker, WorkerSequence
from glmscope.errors import EngineFailure, ModelUnavailable


class FakePipeline:
    """Gives every sequence the id 7 a step; fails on demand."""

    def __init__(self, fails_after: int | None = None, refuses: bool = False) -> None:
        self.fails_after = fails_after
        self.refuses = refuses
        self.room = 10**12
        self.steps = 0
        self.handles: list[Any] = []

    def add(self, prompt_ids: tuple[int, ...], sampling: Sampling, echo: bool = False) -> Any:
        if self.refuses:
            raise RuntimeError("bad request")
        handle = FakeHandle(sampling.max_new_tokens)
        self.handles.append(handle)
        return handle

    def step(self) -> None:
        self.steps += 1
        if self.steps == self.fails_after:
            raise RuntimeError("the network broke")
        for handle in self.handles:
            handle.grow()

    @property
    def has_work(self) -> bool:
        return any(handle.left for handle in self.handles)

    is_worn = False
    reads_pieces = False

    def has_room(self, lengths: list[int]) -> bool:
        return sum(lengths) <= self.room

    def cache_used(self) -> float:
        return 0.5


class FakeHandle:
    def __init__(self, length: int) -> None:
        self.left = length
        self.outputs: list[Any] = []

    def grow(self) -> None:
        if self.left:
            self.left -= 1
            reason = SimpleNamespace(name="NONE" if self.left else "LENGTH")
            self.outputs.append(SimpleNamespace(generated_ids=[7], finish_reason=reason))

    def can_read(self) -> bool:
        return bool(self.outputs)

    def read(self) -> dict[int, Any]:
        return {0: self.outputs.pop(0)}

    def cancel(self) -> None:
        self.left = 0


class GreedyPipeline(FakePipeline):
    """Lets no other thread run Python during a step, as the library's does."""

    def step(self) -> None:
        super().step()
        sum(range(1_000_000))


class DroppingPipeline(FakePipeline):
    """Reads prompts in pieces, and drops each of them."""

    reads_pieces = True

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[int] = []

    def salted(self, prompt_ids: tuple[int, ...], sampling: Sampling) -> tuple[int, ...]:
        return prompt_ids

    def queue(self, salted_ids: tuple[int, ...], sampling: Sampling) -> Any:
        return self.add(salted_ids, sampling)

    def read(self, salted_ids: tuple[int, ...]) -> FakeHandle:
        self.pieces.append(len(salted_ids))
        return FakeHandle(0)


def _sequence(length: int) -> tuple[WorkerSequence, queue.Queue[Delivery]]:
    deliveries: queue.Queue[Delivery] = queue.Queue()
    return WorkerSequence((1, 2), Sampling(length), deliveries.put), deliveries


def _opener(*pipelines: FakePipeline) -> Any:
    waiting = list(pipelines)

    def open_pipeline() -> FakePipeline:
        if not waiting:
            raise RuntimeError("no memory")
        return waiting.pop(0)

    return open_pipeline


def test_a_failed_step_reaches_every_reader_and_the_pipeline_is_opened_anew() -> None:
    worker = Worker(_opener(FakePipeline(fails_after=3), FakePipeline()))
    first, first_deliveries = _sequence(10)
    second, second_deliveries = _sequence(10)
    assert worker.submit(first) and worker.submit(second)
    for deliveries in (first_deliveries, second_deliveries):
        seen = []
        while not isinstance(item := deliveries.get(timeout=5), EngineFailure):
            seen.append(item)
        assert len(seen) <= 2
        assert "network broke" not in item.message
    third, third_deliveries = _sequence(2)
    assert worker.submit(third)
    assert third_deliveries.get(timeout=5) == Step((7,))
    assert third_deliveries.get(timeout=5) == Step((7,), "length")
    worker.close()


def test_everyone_gets_an_error_of_their_own() -> None:
    """One object raised in many tasks would collect all their traces."""
    worker = Worker(_opener(FakePipeline(fails_after=1), FakePipeline()))
    sequences = [_sequence(3) for _ in range(2)]
    with worker._changed:  # both are there at the first step
        assert all(worker.submit(sequence) for sequence, _ in sequences)
    first, second = (deliveries.get(timeout=5) for _, deliveries in sequences)
    assert isinstance(first, EngineFailure) and isinstance(second, EngineFailure)
    assert first is not second
    worker.close()


def test_a_failed_pipeline_is_gone_before_the_next_is_opened() -> None:
    """There may be no memory for two."""
    opened: list[weakref.ref[FakePipeline]] = []
    alive: list[bool] = []

    def open_pipeline() -> Any:
        alive.append(any(pipeline() is not None for pipeline in opened))
        pipeline = FakePipeline(fails_after=1)
        opened.append(weakref.ref(pipeline))
        return pipeline

    worker = Worker(open_pipeline)
    for _ in range(2):
        sequence, deliveries = _sequence(3)
        assert worker.submit(sequence)
        assert isinstance(deliveries.get(timeout=5), EngineFailure)
    worker.close()
    assert len(alive) == 3 and not any(alive)


def test_a_reader_that_cannot_be_reached_harms_nobody() -> None:
    def unreachable(item: Delivery) -> None:
        raise RuntimeError("Event loop is closed")

    worker = Worker(_opener(FakePipeline(), FakePipeline()))
    gone = WorkerSequence((1,), Sampling(5), unreachable)
    reached, deliveries = _sequence(5)
    assert worker.submit(gone) and worker.submit(reached)
    assert [deliveries.get(timeout=5) for _ in range(5)][-1] == Step((7,), "length")
    worker.close()


def test_a_sequence_that_the_pipeline_drops_fails_instead_of_waiting_for_ever() -> None:
    dropping = FakePipeline()
    dropping.step = dropping.handles.clear  # type: ignore[method-assign]
    worker = Worker(_opener(dropping, FakePipeline()))
    sequence, deliveries = _sequence(3)
    assert worker.submit(sequence)
    assert isinstance(deliveries.get(timeout=5), EngineFailure)
    worker.close()


def test_a_worker_that_cannot_reopen_closes() -> None:
    worker = Worker(_opener(FakePipeline(fails_after=1)))
    sequence, deliveries = _sequence(3)
    assert worker.submit(sequence)
    assert isinstance(deliveries.get(timeout=5), EngineFailure)
    worker._thread.join(5)
    assert not worker.submit(_sequence(1)[0])
    worker.close()


def test_a_refused_sequence_fails_alone() -> None:
    pipeline = FakePipeline(refuses=True)
    worker = Worker(_opener(pipeline))
    refused, refused_deliveries = _sequence(3)
    assert worker.submit(refused)
    assert isinstance(refused_deliveries.get(timeout=5), EngineFailure)
    pipeline.refuses = False
    accepted, accepted_deliveries = _sequence(1)
    assert worker.submit(accepted)
    assert accepted_deliveries.get(timeout=5) == Step((7,), "length")
    assert worker.load().running == 0
    worker.close()


def test_who_finds_no_room_waits_in_the_line() -> None:
    """The second one waits for the first, which does not end, and the third one behind it."""
    endless = 10**9
    pipeline = FakePipeline()
    pipeline.room = endless + 5
    worker = Worker(_opener(pipeline))
    (first, of_first), (second, of_second), (third, of_third) = map(_sequence, (endless, 5, 1))
    with worker._changed:
        assert all(worker.submit(each) for each in (first, second, third))
    assert [of_first.get(timeout=5) for _ in range(20)] == [Step((7,))] * 20
    assert of_second.empty() and of_third.empty()
    assert (worker.load().running, worker.load().waiting) == (1, 2)
    worker.cancel(first)
    assert [of_second.get(timeout=5) for _ in range(5)][-1] == Step((7,), "length")
    assert of_third.get(timeout=5) == Step((7,), "length")
    worker.close()


def test_closing_tells_those_who_wait() -> None:
    worker = Worker(_opener(FakePipeline()))
    sequence, deliveries = _sequence(10**9)
    assert worker.submit(sequence)
    assert isinstance(deliveries.get(timeout=5), Step)
    worker.close()
    while isinstance(item := deliveries.get(timeout=5), Step):
        pass
    assert isinstance(item, ModelUnavailable)
    assert not worker.submit(_sequence(1)[0])


def test_a_model_that_does_not_load_raises_where_it_was_asked_for() -> None:
    with pytest.raises(RuntimeError, match="no memory"):
        Worker(_opener())


async def test_readers_get_what_was_delivered_before_the_next_step() -> None:
    """Most of them: a system that is busy may wake a reader too late."""
    pipeline = GreedyPipeline()
    worker = Worker(lambda: pipeline)  # type: ignore[arg-type,return-value]
    loop = asyncio.get_running_loop()
    behind: list[int] = []
    delivered = asyncio.Event()
    count = 0

    def receive(step: Delivery) -> None:
        nonlocal count
        count += 1
        behind.append(pipeline.steps - count)
        if isinstance(step, Step) and step.finish:
            delivered.set()

    def deliver(step: Delivery) -> None:
        loop.call_soon_threadsafe(receive, step)

    worker.submit(WorkerSequence((1, 2), Sampling(40), deliver))
    await delivered.wait()
    await asyncio.to_thread(worker.close)
    assert behind.count(0) > len(behind) / 2


def test_a_piece_that_is_dropped_keeps_nobody_waiting() -> None:
    pipeline = DroppingPipeline()
    worker = Worker(_opener(pipeline))
    deliveries: queue.Queue[Delivery] = queue.Queue()
    assert worker.submit(WorkerSequence(tuple(range(600)), Sampling(2), deliveries.put))
    steps = [deliveries.get(timeout=5) for _ in range(2)]
    assert [step.ids for step in steps if isinstance(step, Step)] == [(7,), (7,)]
    assert pipeline.pieces == [256, 512]
    worker.close()
