"""Replies that nobody sees before their end: what loops is taken back, or tried again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest

from glmscope.chat.events import Finished, ReplyEvent, TextPiece
from glmscope.chat.request import ChatRequest
from glmscope.chat.sampling import sampling_of
from glmscope.chat.service import MOST_LOOP_RETRIES, ChatService, ServedModel
from glmscope.chat.trace import ReplyEnd
from glmscope.engine.engine import Sampling, Step, TokenLogprob
from glmscope.errors import EngineFailure, UsageError
from tests.chat.support import (
    CHATGLM3,
    PUBLISHED_LIMITS,
    ListedEngine,
    conversation,
    joined,
    last,
    one_by_one,
    read,
    scripted,
    serve,
)

INTRODUCTION = "西湖在杭州。"
ROUND = "我是一个人工智能助手。"
LOOPING = CHATGLM3.encode(INTRODUCTION + ROUND * 200)
KEPT = CHATGLM3.encode(INTRODUCTION + ROUND)
GOOD = CHATGLM3.encode("一二三")
ASK = conversation(("user", "你好"), whole=True)


class TryingEngine(ListedEngine):
    """Each generation has steps of its own."""

    def __init__(self, *tries: Sequence[int]) -> None:
        super().__init__()
        self.tries = [ListedEngine(one_by_one(ids)) for ids in tries]
        self.begun: list[ListedEngine] = []

    def generate(self, prompt_ids: Sequence[int], sampling: Sampling) -> AsyncGenerator[Step, None]:
        self.begun.append(self.tries.pop(0))
        self.asked.append((list(prompt_ids), sampling))
        return self.begun[-1].generate(prompt_ids, sampling)


def trying(engine: ListedEngine, loop_retries: int) -> ChatService:
    model = ServedModel("m", CHATGLM3, engine, PUBLISHED_LIMITS, "A model")
    return ChatService([model], loop_retries=loop_retries)


def pieces(events: Sequence[ReplyEvent]) -> list[TextPiece]:
    return [event for event in events if isinstance(event, TextPiece)]


async def test_a_whole_reply_tells_that_it_goes_on_and_then_its_text_in_one_piece():
    whole = await read(serve(ListedEngine(one_by_one(GOOD))), ASK)
    streamed = await read(serve(ListedEngine(one_by_one(GOOD))), conversation(("user", "你好")))
    assert [piece.text for piece in pieces(whole)] == [*[""] * len(pieces(streamed)), "一二三"]
    assert [piece.usage for piece in pieces(whole)[:-1]] == [
        piece.usage for piece in pieces(streamed)
    ]
    assert last(whole) == last(streamed)


async def test_a_loop_is_taken_back_up_to_its_first_round(logs):
    engine = ListedEngine(one_by_one(LOOPING))
    reply = serve(engine).prepare(ASK)
    events = [event async for event in reply]
    assert joined(events) == INTRODUCTION + ROUND
    end = last(events)
    assert (end.reason, end.note, end.usage.output_tokens) == ("length", "loop", len(KEPT))
    assert pieces(events)[-1].usage == end.usage
    (choice,) = reply.trace.choices
    assert choice.end == ReplyEnd(
        "loop", len(CHATGLM3.encode(ROUND * 2)) - len(CHATGLM3.encode(ROUND))
    )
    assert choice.ids == LOOPING[: len(choice.ids)]
    assert len(choice.ids) > len(KEPT)
    assert reply.trace.loops == 1
    (log,) = logs
    assert log["event"] == "reply_looped"
    assert log["output_tokens"] + log["repeated_tokens"] == len(choice.ids)


async def test_a_stream_keeps_its_text_and_counts_the_first_round():
    events = await read(serve(ListedEngine(one_by_one(LOOPING))), conversation(("user", "你好")))
    end = last(events)
    assert joined(events).startswith(INTRODUCTION + ROUND * 2)
    assert (end.reason, end.note, end.usage.output_tokens) == ("length", "loop", len(KEPT))


async def test_other_ends_have_no_note():
    assert last(await read(serve(ListedEngine(one_by_one(GOOD, "length"))), ASK)).note is None


async def test_log_probabilities_are_those_of_the_text_that_stays():
    steps = [Step((each,), logprobs=(TokenLogprob(each, -1.0),)) for each in LOOPING]
    engine = ListedEngine(steps)
    engine.abilities = frozenset({"logprobs"})
    request = conversation(("user", "你好"), whole=True, logprobs=0)
    events = await read(serve(engine), request)
    said = b"".join(each.bytes for piece in pieces(events) for each in piece.logprobs)
    assert said.decode() == joined(events) == INTRODUCTION + ROUND


async def test_a_reply_that_looped_is_tried_again_with_other_sampling():
    engine = TryingEngine(LOOPING, GOOD)
    reply = trying(engine, 1).prepare(ASK)
    events = [event async for event in reply]
    assert joined(events) == "一二三"
    assert (last(events).reason, last(events).note) == ("stop", None)
    assert last(events).usage.output_tokens == len(GOOD)
    first, second = (sampling for _, sampling in engine.asked)
    assert second.repetition_penalty > first.repetition_penalty
    (choice,) = reply.trace.choices
    assert choice.ids == GOOD
    assert len(choice.discarded) == 1
    assert choice.discarded[0] > len(KEPT)
    assert reply.trace.loops == 1


async def test_the_last_try_is_shown_whatever_it_is():
    engine = TryingEngine(LOOPING, LOOPING)
    reply = trying(engine, 1).prepare(ASK)
    events = [event async for event in reply]
    assert joined(events) == INTRODUCTION + ROUND
    assert last(events).note == "loop"
    assert reply.trace.loops == 2


@pytest.mark.parametrize(
    ("request_", "retries"),
    [(ASK, 0), (conversation(("user", "你好")), 1)],
    ids=["not wanted", "streamed"],
)
async def test_else_nothing_is_tried_again(request_: ChatRequest, retries: int):
    engine = TryingEngine(LOOPING)
    assert last(await read(trying(engine, retries), request_)).note == "loop"
    assert len(engine.asked) == 1


@pytest.mark.parametrize("retries", [-1, MOST_LOOP_RETRIES + 1])
def test_the_number_of_tries_is_bounded(retries: int):
    with pytest.raises(UsageError, match="0 to 3 times"):
        trying(ListedEngine(), retries)


async def test_choices_that_loop_are_taken_back_each_by_itself():
    engine = TryingEngine(LOOPING, GOOD)
    events = await read(trying(engine, 0), conversation(("user", "你好"), whole=True, n=2))
    ends = {event.index: event for event in events if isinstance(event, Finished)}
    texts = {index: joined([event for event in events if event.index == index]) for index in ends}
    assert texts == {0: INTRODUCTION + ROUND, 1: "一二三"}
    assert [ends[index].note for index in (0, 1)] == ["loop", None]


async def test_a_failure_in_a_second_try_is_the_replys():
    engine = TryingEngine(LOOPING, GOOD)
    engine.tries[1].steps = [Step((GOOD[0],)), ValueError("a bug")]
    with pytest.raises(EngineFailure):
        await read(trying(engine, 1), ASK)
    assert [each.running for each in engine.begun] == [0, 0]


async def test_closing_ends_a_whole_reply_without_a_text():
    engine = ListedEngine(one_by_one(GOOD))
    reply = serve(engine).prepare(ASK)
    async for event in reply:
        assert event.usage.output_tokens
        break
    assert engine.running == 1
    await reply.aclose()
    assert engine.running == 0


async def test_closing_from_another_task_ends_the_wait():
    script = '{"rules": [{"reply": "一二三", "delay_ms": 60000}]}'
    engine = scripted(script=script)
    reply = serve(engine).prepare(ASK)

    async def drain() -> list[ReplyEvent]:
        return [event async for event in reply]

    reader = asyncio.create_task(drain())
    while engine.load().running == 0:
        await asyncio.sleep(0)
    await reply.aclose()
    assert await reader == []


GREEDY = Sampling(100, temperature=0.0, top_p=0.1, top_k=1, seed=7)


def test_the_first_try_draws_as_asked():
    assert sampling_of(GREEDY, 0) == GREEDY
    assert sampling_of(GREEDY, 2).seed == 9
    assert sampling_of(Sampling(1, seed=2**64 - 1), 1).seed == 0


def test_another_try_is_freer_and_has_seeds_of_its_own():
    other = sampling_of(GREEDY, 0, 1)
    assert other.temperature > 0.5
    assert other.top_p > 0.5
    assert other.top_k > 1
    assert other.repetition_penalty > 1.0
    seeds = {sampling_of(GREEDY, index, attempt).seed for index in range(4) for attempt in range(4)}
    assert len(seeds) == 16


def test_another_try_takes_nothing_away_and_draws_a_seed_where_there_is_none():
    wild = Sampling(100, temperature=1.5, top_p=1.0, repetition_penalty=1.3)
    assert sampling_of(wild, 3, 2) == wild
