"""Code in the loop: sandboxes that come and go with replies."""

from __future__ import annotations

import asyncio
import json

import pytest

from glmscope.agent.code_runner import CodeOutput
from glmscope.agent.plugins import PluginRequest, Upload
from glmscope.chat.events import PluginCall, PluginResult, ReplyEvent
from glmscope.errors import SandboxUnavailable
from tests.agent.loop import CODE, asking, read
from tests.agent.support import Adder, Sandboxes, agent_of, code_of
from tests.chat.support import CHATGLM3, joined


async def test_code_runs_in_one_sandbox_that_goes_with_the_reply() -> None:
    runner = Sandboxes(lambda code: CodeOutput(f"ran {code}", images=(b"\x89PNG",)))
    rules = [
        {"match": "plot", "reply": code_of("first")},
        {"match": "ran first", "reply": code_of("second")},
        {"match": "ran second", "reply": "Here it is."},
    ]
    events = await read(agent_of(rules, runner=runner), "plot", CODE)
    (sandbox,) = runner.opened
    assert (sandbox.ran, sandbox.closed) == (["first", "second"], 1)
    results = [event for event in events if isinstance(event, PluginResult)]
    assert results[0].call.name == "code_interpreter"
    assert json.loads(results[0].call.arguments) == {"code": "first"}
    assert results[0].text == "ran first\n[Image]"
    assert [file.name for result in results for file in result.files] == [
        "image-1.png",
        "image-2.png",
    ]
    assert joined(events) == "Here it is."


async def test_two_conversations_have_two_sandboxes() -> None:
    runner = Sandboxes()
    agent = agent_of([{"match": "q", "reply": code_of("x")}, {"reply": "done"}], runner=runner)
    await asyncio.gather(read(agent, "q", CODE), read(agent, "q", CODE))
    assert [sandbox.ran for sandbox in runner.opened] == [["x"], ["x"]]
    assert all(sandbox.closed for sandbox in runner.opened)


async def test_a_desk_of_ones_own_stays_open() -> None:
    runner = Sandboxes()
    agent = agent_of([{"match": "q", "reply": code_of("x")}, {"reply": "done"}], runner=runner)
    desk = agent.desk()
    for _ in range(2):
        async for _event in agent.prepare(asking("q"), CODE, desk=desk):
            pass
    (sandbox,) = runner.opened
    assert sandbox.ran == ["x", "x"]
    assert not sandbox.closed
    await desk.close()
    assert sandbox.closed


async def test_uploads_are_announced_and_there_before_the_code() -> None:
    runner = Sandboxes()
    agent = agent_of([{"match": "#File uploaded", "reply": code_of("x")}], runner=runner)
    plugins = PluginRequest(("code_interpreter",), (Upload("sales.csv", b"a,b\n"),))
    reply = agent.prepare(asking("average of a?"), plugins)
    async for _ in reply:
        pass
    assert runner.opened[0].files == {"sales.csv": b"a,b\n"}
    prompt = CHATGLM3.decode(reply.traces[0].prompt_ids)
    assert "#File: /mnt/data/sales.csv\n#Size: 4\n#File uploaded\naverage of a?" in prompt


async def test_without_a_sandbox_code_is_refused_with_the_way_to_have_one() -> None:
    agent = agent_of([], Adder(), why_no_code="The code interpreter is off: install it.")
    with pytest.raises(SandboxUnavailable, match="install it"):
        agent.prepare(asking("q"), CODE)


async def test_code_of_a_model_that_was_not_offered_it_is_a_text() -> None:
    runner = Sandboxes()
    events = await read(agent_of([{"reply": code_of("x")}], Adder(), runner=runner), "q")
    assert runner.opened == []
    assert "print" not in joined(events) and "interpreter" in joined(events)


async def test_cancelling_stops_the_code_and_the_sandbox_at_once() -> None:
    runner = Sandboxes()
    agent = agent_of([{"match": "q", "reply": code_of("forever")}], runner=runner)

    async def run() -> None:
        await read(agent, "q", CODE)

    task = asyncio.create_task(run())
    while not (runner.opened and runner.opened[0].ran):
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (runner.opened[0].stopped, runner.opened[0].closed) == (1, 1)


async def test_closing_from_another_task_stops_it_too() -> None:
    runner = Sandboxes()
    agent = agent_of([{"match": "q", "reply": code_of("forever")}], runner=runner)
    reply = agent.prepare(asking("q"), CODE)

    async def run() -> list[ReplyEvent]:
        return [event async for event in reply]

    task = asyncio.create_task(run())
    while not (runner.opened and runner.opened[0].ran):
        await asyncio.sleep(0.01)
    await reply.aclose()
    events = await task
    assert isinstance(events[-1], PluginCall)
    assert runner.opened[0].closed
    await reply.aclose()
