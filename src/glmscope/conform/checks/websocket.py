"""Tasks over a websocket. Section 6."""

from __future__ import annotations

import time
from typing import Any

from glmscope.conform.check import equal, expect, sdk, wire
from glmscope.conform.frames import joined, opened
from glmscope.conform.script import DIGITS, DIGITS_REPLY, FAIL_LATER, echo
from glmscope.conform.sdk.response import joined as texts_joined
from glmscope.conform.sdk.sdk import Sdk
from glmscope.conform.target import GREEDY, Target, text_of

_QUESTION = "Say a few words."
_SHORT: dict[str, Any] = {"max_tokens": 20}
_CALLS = 30
_HOLD_BACK_SECONDS = 0.05
"""Java loses results that come earlier after `run-task`."""


@wire(54)
def websocket_modes(target: Target) -> None:
    plain = text_of(target.generate(_QUESTION, **GREEDY, **_SHORT))
    for slash in ("", "/"):
        with opened(target, slash=slash) as frames:
            (single,) = frames.results(_QUESTION, streaming="none", **_SHORT)
            equal(single["output"]["text"], plain, "plain over websocket")
            expect(single["usage"]["output_tokens"] > 0, "no usage")
            for incremental in (False, True):
                results = frames.results(_QUESTION, incremental_output=incremental, **_SHORT)
                expect(len(results) > 1, "one result for a stream")
                equal(joined(results, incremental=incremental), plain, f"{incremental=}")
                reasons = [result["output"]["finish_reason"] for result in results]
                equal(set(reasons[:-1]), {"null"}, "running results say")


@sdk(54)
def websocket_through_sdk(sdk: Sdk) -> None:
    asked = {"prompt": _QUESTION, **GREEDY, **_SHORT}
    plain = sdk.call(**asked).text
    equal(sdk.call(transport="websocket", **asked).text, plain, "plain over websocket")
    whole = sdk.stream(transport="websocket", **asked)
    expect(len(whole) > 1, "one chunk for a stream")
    equal(whole[-1].text, plain, "cumulative over websocket")
    pieces = sdk.stream(transport="websocket", incremental_output=True, **asked)
    equal(texts_joined(pieces), plain, "incremental over websocket")


@wire(55, needs_script=True)
def thirty_calls(target: Target) -> None:
    with opened(target) as frames:
        for number in range(_CALLS):
            question = f"call {number}"
            sent = time.monotonic()
            task_id = frames.run(question, incremental_output=True)
            results: list[Any] = []
            for frame in frames.task(task_id):
                if frame["header"]["event"] == "result-generated":
                    if not results:
                        held = time.monotonic() - sent
                        expect(
                            held >= _HOLD_BACK_SECONDS * 0.9,
                            f"the first result came after {held * 1000:.0f} ms",
                        )
                    results.append(frame["payload"])
            equal(joined(results, incremental=True).strip(), echo(question), f"call {number}")


@sdk(55, needs_script=True)
def thirty_calls_through_sdk(sdk: Sdk) -> None:
    for number in range(_CALLS):
        asked = {"prompt": f"call {number}", "incremental_output": True, **GREEDY}
        text = texts_joined(sdk.stream(transport="websocket", **asked))
        equal(text.strip(), echo(f"call {number}"), f"call {number}")


@wire(56)
def order_of_frames(target: Target) -> None:
    with opened(target) as frames:
        for streaming in ("none", "out", "in", "duplex"):
            found = list(frames.task(frames.run(_QUESTION, streaming=streaming, **_SHORT)))
            events = [frame["header"]["event"] for frame in found]
            middle = events[1:-1]
            equal((events[0], events[-1]), ("task-started", "task-finished"), streaming)
            equal(set(middle), {"result-generated"}, f"{streaming}: between them")
            equal(len(middle) == 1, streaming in ("none", "in"), f"{streaming}: one result")
            equal(found[0].get("payload"), {}, "payload of task-started")
            equal(found[-1].get("payload"), {}, "payload of task-finished")
            expect(all("attributes" in frame["header"] for frame in found), "no attributes")


@wire(57, needs_script=True)
def failed_tasks(target: Target) -> None:
    with opened(target) as frames:
        how: dict[str, Any]
        for what, how, code in (
            ("unknown model", {"prompt": "x", "model": "none"}, "ModelNotFound"),
            ("wrong range", {"prompt": "x", "top_p": 7}, "InvalidParameter"),
            ("a failure in the middle", {"prompt": FAIL_LATER}, "InternalError.Algo"),
        ):
            last = list(frames.task(frames.run(**how)))[-1]
            equal(last["header"]["event"], "task-failed", what)
            equal(last["header"]["error_code"], code, what)
            expect(last["header"]["error_message"], f"{what}: no error_message")
            equal(last.get("payload"), {}, f"{what}: payload")
        (after,) = frames.results(DIGITS, streaming="none")
        equal(after["output"]["text"].strip(), DIGITS_REPLY, "a task after the failures")


@sdk(57, needs_script=True)
def failed_tasks_through_sdk(sdk: Sdk) -> None:
    (start,) = sdk.responses(transport="websocket", stream=True, model="none", prompt="x")
    equal((start.status, start.code), (44, "ModelNotFound"), "failure at the start")
    expect(start.message, "failure at the start: no message")
    responses = sdk.responses(transport="websocket", stream=True, prompt=FAIL_LATER, **GREEDY)
    equal((responses[-1].status, responses[-1].code), (44, "InternalError.Algo"), "in the middle")
    expect(sdk.call(transport="websocket", prompt=DIGITS, **GREEDY).text, "nothing afterwards")
