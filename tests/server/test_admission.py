"""A bounded line, served in rounds: one request of each key, in order of arrival."""

from __future__ import annotations

import asyncio
import gc
import itertools
import tracemalloc
from collections.abc import Sequence
from contextlib import ExitStack

import pytest

from glmscope.errors import ModelUnavailable, RequestTimeOut, Throttling
from glmscope.server.admission import Admission
from glmscope.server.record import RequestRecord
from glmscope.server.settings import ServerSettings
from glmscope.store.keys import KeyStore
from tests.server.support import (
    STREAM,
    Connection,
    RunningServer,
    ask,
    eventually,
    serving,
)


async def order_of_turns(arrivals: Sequence[str], max_running: int = 1) -> list[str]:
    """Who gets which turn when requests, named `key` or `key.number`, come all at once."""
    admission = Admission(max_running, max_waiting=len(arrivals))
    order: list[str] = []

    async def request(name: str) -> None:
        with admission.admit(name.partition(".")[0]) as turn:
            await turn.begin()
            order.append(name)
            await asyncio.sleep(0)

    await asyncio.gather(*(request(name) for name in arrivals))
    assert (admission.admitted, admission.running, admission.waiting) == (0, 0, 0)
    assert admission.waiting_by_key == {}
    return order


async def test_the_requests_of_one_key_run_in_order_of_arrival() -> None:
    arrivals = ["k.1", "k.2", "k.3", "k.4"]
    assert await order_of_turns(arrivals) == arrivals


async def test_keys_take_turns() -> None:
    arrivals = ["a.1", "a.2", "a.3", "b.1", "b.2", "c.1", "a.4"]
    assert await order_of_turns(arrivals) == ["a.1", "a.2", "b.1", "c.1", "a.3", "b.2", "a.4"]


@pytest.mark.parametrize("others", [1, 4])
async def test_a_hundred_requests_of_one_key_starve_nobody(others: int) -> None:
    greedy = [f"greedy.{number}" for number in range(100)]
    late = [f"late{number}" for number in range(others)]
    order = await order_of_turns([*greedy, *late])
    # The first turn was taken before anybody else came; from then on one turn of each key.
    waited = {name: order.index(name) - 1 for name in late}
    assert max(waited.values()) <= others
    assert [name for name in order if name.startswith("greedy")] == greedy


async def test_two_keys_that_always_ask_share_the_turns() -> None:
    arrivals = [f"a.{number}" for number in range(40)] + [f"b.{number}" for number in range(20)]
    order = [name[0] for name in await order_of_turns(arrivals, max_running=4)]
    # Four run at once; of the next 40 turns each key gets every second one.
    assert all(pair in (("a", "b"), ("b", "a")) for pair in itertools.pairwise(order[4:44]))


async def test_one_key_cannot_fill_the_line() -> None:
    admission = Admission(max_running=1, max_waiting=4, max_waiting_per_key=3)
    with ExitStack() as inside:
        for _ in range(4):
            inside.enter_context(admission.admit("greedy"))
        with pytest.raises(Throttling, match="this API-key"), admission.admit("greedy"):
            pass
        inside.enter_context(admission.admit("late"))
        with pytest.raises(Throttling), admission.admit("too late"):
            pass
        assert admission.waiting_by_key == {"greedy": 3, "late": 1}
        assert (admission.running, admission.waiting) == (1, 4)
    assert admission.admitted == 0


async def test_without_keys_everyone_shares_the_whole_line() -> None:
    admission = Admission(max_running=1, max_waiting=2, max_waiting_per_key=1)
    with admission.admit(), admission.admit(), admission.admit():
        assert admission.waiting == 2


async def test_who_leaves_the_line_takes_no_turn() -> None:
    admission = Admission(max_running=1, max_waiting=3)
    with ExitStack() as inside:
        running = inside.enter_context(ExitStack())
        running.enter_context(admission.admit("a"))
        impatient = asyncio.create_task(_ask(admission, "b"))
        patient = inside.enter_context(admission.admit("c"))
        await asyncio.sleep(0)
        assert admission.waiting_by_key == {"c": 1, "b": 1}
        impatient.cancel()
        await asyncio.gather(impatient, return_exceptions=True)
        assert admission.waiting_by_key == {"c": 1}
        running.close()
        await asyncio.wait_for(patient.begin(), 1)
        assert (admission.running, admission.waiting) == (1, 0)


async def _ask(admission: Admission, key: str) -> None:
    with admission.admit(key) as turn:
        await turn.begin()


async def test_a_turn_that_does_not_come_in_time() -> None:
    admission = Admission(max_running=1, max_waiting=1, max_wait_seconds=0.01)
    with admission.admit("a"):
        with pytest.raises(RequestTimeOut):
            await _ask(admission, "b")
        assert admission.admitted == 1
    await _ask(admission, "b")


async def test_a_thousand_refusals_leave_nothing_behind() -> None:
    admission = Admission(max_running=1, max_waiting=1)

    def refuse(count: int) -> None:
        for number in range(count):
            with pytest.raises(Throttling), admission.admit(f"key {number}"):
                pass

    with admission.admit("a"), admission.admit("b"):
        refuse(10)
        gc.collect()
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        refuse(1000)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert admission.admitted == 2
        assert admission.waiting_by_key == {"b": 1}
        assert after - before < 16_384  # bytes; a thousand of anything would be more


async def test_a_full_line_refuses_and_a_failure_leaves_it() -> None:
    admission = Admission(max_running=1, max_waiting=1)
    with admission.admit() as first, admission.admit():
        await first.begin()
        with pytest.raises(Throttling), admission.admit():
            pass
    with pytest.raises(ValueError, match="a failure"), admission.admit() as turn:
        await turn.begin()
        raise ValueError("a failure")
    with admission.admit() as turn:
        await asyncio.wait_for(turn.begin(), 1)


async def test_closing_lets_those_inside_finish() -> None:
    admission = Admission(max_running=1, max_waiting=1)
    with admission.admit():
        admission.close()
        with pytest.raises(ModelUnavailable), admission.admit():
            pass
        waiter = asyncio.create_task(admission.idle())
        await asyncio.sleep(0)
        assert not waiter.done()
    await asyncio.wait_for(waiter, 1)


@pytest.mark.parametrize("headers", [STREAM, {}], ids=["stream", "plain"])
def test_beyond_the_line_there_is_429_at_once(headers: dict[str, str]) -> None:
    settings = ServerSettings(max_running=2, max_waiting=1, retry_after_seconds=7, drain_seconds=0)
    with serving(settings=settings) as server:
        inside = [server.connect() for _ in range(3)]
        for connection in inside:
            connection.send(ask("slow"), STREAM)
        assert eventually(lambda: server.running() == 2)
        assert eventually(lambda: server.ask(ask(), headers).status == 429)
        refused = server.ask(ask(), headers)
        assert refused.error == (429, "Throttling")
        assert refused.headers["retry-after"] == "7"
        assert refused.headers["content-type"] == "application/json"
        # What is wrong with a request is said before whether there is room for it.
        assert server.ask(ask(top_p=2)).error == (400, "InvalidParameter")
        assert server.running() == 2
        for connection in inside:
            connection.close()
        assert eventually(lambda: server.ask(ask(), headers).status == 200)


@pytest.mark.parametrize("headers", [STREAM, {}], ids=["stream", "plain"])
def test_a_turn_that_does_not_come_is_408(headers: dict[str, str]) -> None:
    settings = ServerSettings(max_running=1, max_wait_seconds=0.2, drain_seconds=0)
    with serving(settings=settings) as server, server.connect() as running:
        running.send(ask("endless silence"), STREAM)
        assert eventually(lambda: server.running() == 1)
        answer = server.ask(ask(), headers)
        assert answer.error == (408, "RequestTimeOut")
        assert server.running() == 1


def test_a_turn_that_does_not_come_is_told_inside_a_stream_that_has_begun() -> None:
    settings = ServerSettings(
        max_running=1, max_wait_seconds=0.5, keep_alive_seconds=0.1, drain_seconds=0
    )
    with serving(settings=settings) as server, server.connect() as running:
        running.send(ask("endless silence"), STREAM)
        assert eventually(lambda: server.running() == 1)
        answer = server.ask(ask(), STREAM)
    assert answer.status == 200
    assert answer.chunks[0] == b":keep-alive\n\n"
    assert b"event:error\n:HTTP_STATUS/408\n" in answer.chunks[-1]
    assert answer.events[-1]["code"] == "RequestTimeOut"


def test_a_key_with_many_requests_does_not_hold_up_another(keys: KeyStore) -> None:
    turns: list[str] = []

    class Turns:
        def finished(self, record: RequestRecord, _status: int, _seconds: float) -> None:
            if record.key:
                turns.append(record.key.name)

    patient = {"Authorization": f"Bearer {keys.create('patient').key}"}
    settings = ServerSettings(max_running=1, drain_seconds=0)
    with serving(keys=keys, settings=settings, observers=[Turns()]) as server, ExitStack() as stack:

        def send(prompt: str, headers: dict[str, str] | None = None) -> Connection:
            connection = stack.enter_context(server.connect())
            connection.send(ask(prompt), headers)
            return connection

        def waiting(count: int) -> bool:
            return eventually(lambda: f"glmscope_requests_waiting {count}.0" in metrics(server))

        running = send("endless silence")
        assert eventually(lambda: server.running() == 1)
        greedy = [send("hello") for _ in range(30)]
        assert waiting(30)
        late = send("hello", patient)
        assert waiting(31)
        running.close()
        assert [connection.answer().status for connection in (*greedy, late)] == [200] * 31
        assert eventually(lambda: len(turns) == 32)
    # The reply that ran, one more turn of the greedy key, then the other key's.
    assert turns.index("patient") == 2


def metrics(server: RunningServer) -> str:
    with server.connect() as connection:
        connection.send(b"", path="/metrics", method="GET")
        return connection.answer().body.decode()
