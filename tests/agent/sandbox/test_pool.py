"""One sandbox a conversation, and not too many of them."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator

import psutil
import pytest

from glmscope.agent.sandbox import SandboxPool
from glmscope.agent.sandbox.process import SandboxProcess
from glmscope.errors import SandboxUnavailable, Throttling
from tests.agent.sandbox.conftest import SMALL, processes_of, shown

pytestmark = pytest.mark.skipif(
    shutil.which("bwrap") is None, reason="a sandbox needs bubblewrap (apt-get install bubblewrap)"
)


@pytest.fixture
async def pool() -> AsyncIterator[SandboxPool]:
    pool = SandboxPool(SMALL, packages=(), maximum=2, spare=False)
    yield pool
    await pool.close()


async def test_a_conversation_keeps_its_sandbox(pool: SandboxPool) -> None:
    one, two = await asyncio.gather(pool.of(("key", "a")), pool.of(("key", "b")))
    assert one is not two
    await shown(one, "x = 1")
    assert await pool.of(("key", "a")) is one
    assert await shown(two, "print('x' in globals())") == "False"


async def test_asked_for_twice_at_once_it_is_one(pool: SandboxPool) -> None:
    one, two = await asyncio.gather(pool.of("a"), pool.of("a"))
    assert one is two


async def test_there_are_no_more_than_may_be(pool: SandboxPool) -> None:
    await asyncio.gather(pool.of("a"), pool.of("b"))
    with pytest.raises(Throttling, match="All 2 sandboxes") as refusal:
        await pool.of("c")
    assert refusal.value.retry_after is not None
    await pool.end("a")
    assert not (await pool.of("c")).lost


async def test_its_end_is_the_end_of_its_processes(pool: SandboxPool) -> None:
    sandbox = await pool.of("a")
    await shown(sandbox, "if not os.fork(): signal.pause()")
    inner = processes_of(sandbox)
    assert len(inner) == 3
    await pool.end("a")
    assert psutil.wait_procs(inner, timeout=20)[1] == []
    assert sandbox.lost
    await pool.end("a")  # there is none any more


async def test_a_lost_one_is_replaced(pool: SandboxPool) -> None:
    one = await pool.of("a")
    processes_of(one)[0].kill()
    while not one.lost:
        await asyncio.sleep(0.01)
    two = await pool.of("a")
    assert two is not one
    assert await shown(two, "1") == "1"


async def test_the_idle_are_closed_and_the_busy_are_not() -> None:
    pool = SandboxPool(SMALL, packages=(), spare=False, idle_seconds=0.4)
    idle, busy = await asyncio.gather(pool.of("idle"), pool.of("busy"))
    running = asyncio.ensure_future(busy.run("import time\ntime.sleep(1000)"))
    while not idle.lost:
        await asyncio.sleep(0.01)
    assert not running.done()
    await pool.close()
    assert (await running).ending.value == "lost"


async def test_closing_waits_for_those_whose_closing_has_begun(
    monkeypatch: pytest.MonkeyPatch, started: list[SandboxProcess]
) -> None:
    pool = SandboxPool(SMALL, packages=(), spare=False, idle_seconds=0.1)
    idle = await pool.of("idle")
    ended, end = asyncio.Event(), SandboxProcess._end

    async def slow_end(process: SandboxProcess) -> None:
        await ended.wait()
        await end(process)

    monkeypatch.setattr(SandboxProcess, "_end", slow_end)
    while not idle.lost:
        await asyncio.sleep(0.01)
    closing = asyncio.ensure_future(pool.close())
    assert not (await asyncio.wait({closing}, timeout=0.1))[0]
    ended.set()
    await closing
    assert started[-1].exit_status is not None


async def test_an_end_that_is_cancelled_is_waited_for_by_the_pool(
    pool: SandboxPool, started: list[SandboxProcess]
) -> None:
    inner = processes_of(await pool.of("a"))
    ending = asyncio.ensure_future(pool.end("a"))
    await asyncio.sleep(0)
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    await pool.close()
    assert psutil.wait_procs(inner, timeout=20)[1] == []
    assert started[-1].exit_status is not None


async def test_a_spare_one_is_ready() -> None:
    pool = SandboxPool(SMALL, packages=(), maximum=2)
    one = await pool.of("a")
    two = await pool.of("b")
    assert one is not two
    # Spare ones count, too: there is room for no third.
    with pytest.raises(Throttling):
        await pool.of("c")
    inner = processes_of(one) + processes_of(two)
    await pool.close()
    assert psutil.wait_procs(inner, timeout=20)[1] == []


async def test_a_closed_pool_hands_out_nothing(pool: SandboxPool) -> None:
    await pool.close()
    with pytest.raises(SandboxUnavailable):
        await pool.of("a")
