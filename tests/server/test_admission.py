"""A bounded line, in order of arrival."""

from __future__ import annotations

import asyncio

import pytest

from glmscope.errors import ModelUnavailable, Throttling
from glmscope.server.admission import Admission
from glmscope.server.settings import ServerSettings
from tests.server.support import STREAM, ask, eventually, serving


async def test_turns_come_in_order_of_arrival() -> None:
    admission = Admission(max_running=1, max_waiting=2)
    order = []

    async def request(name: str) -> None:
        with admission.admit() as turn:
            await turn.begin()
            order.append(name)
            await asyncio.sleep(0)

    await asyncio.gather(*(request(name) for name in "abc"))
    assert order == ["a", "b", "c"]
    assert admission.admitted == 0


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
