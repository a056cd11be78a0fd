"""Websockets that are used badly. Section 6."""

from __future__ import annotations

import json
import uuid

from glmscope.conform.check import MismatchError, equal, expect, wire
from glmscope.conform.checks.inputs import good
from glmscope.conform.frames import Frames, opened, run_task
from glmscope.conform.script import DIGITS, LONG
from glmscope.conform.target import CHATGLM3, GREEDY, Target

_PONG_SECONDS = 1.0


@wire(58, needs_script=True)
def doors_and_pings(target: Target) -> None:
    from websockets.exceptions import InvalidStatus

    for what, authorization in (("wrong key", "Bearer wrong"), ("no key", "")):
        try:
            with opened(target, headers={"Authorization": authorization}):
                raise MismatchError(f"{what}: upgraded")
        except InvalidStatus as refused:
            found = refused.response
            equal((found.status_code, found.reason_phrase), (401, "Unauthorized"), what)
    with opened(target, headers={"Authorization": f"bearer {target.key}"}) as frames:
        task = frames.task(frames.run(LONG, max_tokens=60))
        for _ in range(5):
            next(task)
        pong = frames.connection.ping()
        expect(pong.wait(_PONG_SECONDS), "a ping during generation was not answered in a second")
    # The connection was closed in the middle of the task.
    _alive(target)


def _alive(target: Target) -> None:
    with opened(target) as frames:
        frames.results(DIGITS, streaming="none", max_tokens=3)
    good(target.generate("still there?", max_tokens=2, **GREEDY), "afterwards")


@wire(59)
def bad_frames(target: Target) -> None:
    with opened(target) as frames:
        task_id = uuid.uuid4().hex
        frame = run_task(task_id, "in fragments", streaming="none", model=CHATGLM3, max_tokens=3)
        text = json.dumps(frame)
        frames.connection.send([text[:10], text[10:50], "", text[50:]])
        last = list(frames.task(task_id))[-1]
        equal(last["header"]["event"], "task-finished", "a fragmented run-task")
    for what, sent in (
        ("an unknown action", json.dumps({"header": {"action": "dance", "task_id": "1"}})),
        ("no header", json.dumps({"payload": {}})),
        ("bad JSON", '{"header":'),
        ("a JSON array", "[]"),
        ("a binary frame", b"\x00\x01"),
        ("an empty frame", ""),
    ):
        with opened(target) as frames:
            frames.connection.send(sent)
            _answered_or_closed(frames, what)
    _alive(target)


def _answered_or_closed(frames: Frames, what: str) -> None:
    """`task-failed` or an orderly close; silence would leave the client waiting."""
    from websockets.exceptions import ConnectionClosed

    try:
        answer = frames.receive(timeout=5)
    except ConnectionClosed as closed:
        expect(closed.rcvd is not None, f"{what}: the connection broke off")
        return
    except TimeoutError:
        raise MismatchError(f"{what}: neither an answer nor a close within 5 s") from None
    equal(answer["header"]["event"], "task-failed", what)
