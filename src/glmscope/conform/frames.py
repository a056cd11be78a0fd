"""A websocket client that sees every frame. Section 6."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from glmscope.conform.check import MismatchError, equal
from glmscope.conform.http import WAIT_SECONDS
from glmscope.conform.target import CHATGLM3, Target

if TYPE_CHECKING:
    from websockets.sync.connection import Connection

# What the first frame of a task names besides the model.
_SERVICE = {"task_group": "aigc", "task": "text-generation", "function": "generation"}


class Frames:
    """An open websocket."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def send(self, frame: object) -> None:
        """Send a JSON frame."""
        self.connection.send(json.dumps(frame))

    def receive(self, timeout: float = WAIT_SECONDS) -> Any:
        """The next frame, parsed. Raises TimeoutError."""
        return json.loads(self.connection.recv(timeout))

    def run(
        self, prompt: str, *, streaming: str = "out", model: str = CHATGLM3, **parameters: Any
    ) -> str:
        """Start a task; returns its id."""
        task_id = uuid.uuid4().hex
        self.send(run_task(task_id, prompt, streaming=streaming, model=model, **parameters))
        return task_id

    def task(self, task_id: str) -> Iterator[Any]:
        """The frames of a task, up to the last."""
        while True:
            frame = self.receive()
            equal(frame["header"].get("task_id"), task_id, "task_id")
            yield frame
            if frame["header"]["event"] in ("task-finished", "task-failed"):
                return

    def results(self, prompt: str, **how: Any) -> list[Any]:
        """Run a task that succeeds; the payloads of its results."""
        return payloads(list(self.task(self.run(prompt, **how))))


def run_task(task_id: str, prompt: str, *, streaming: str, model: str, **parameters: Any) -> Any:
    """The frame that starts a task."""
    return {
        "header": {"action": "run-task", "task_id": task_id, "streaming": streaming},
        "payload": {
            "model": model,
            **_SERVICE,
            "input": {"prompt": prompt},
            "parameters": {"temperature": 0, **parameters},
        },
    }


def payloads(frames: list[Any]) -> list[Any]:
    """Results between `task-started` and `task-finished`. Raises MismatchError for other orders."""
    events = [frame["header"]["event"] for frame in frames]
    wanted = ["task-started", *["result-generated"] * (len(events) - 2), "task-finished"]
    if events != wanted:
        header = frames[-1]["header"]
        said = f"{header.get('error_code')}: {header.get('error_message')}"
        raise MismatchError(f"events {events[:2]}…{events[-1:]} {said}")
    return [frame["payload"] for frame in frames[1:-1]]


def joined(results: list[Any], *, incremental: bool) -> str:
    """The whole text of a task in text form."""
    texts = [result["output"]["text"] for result in results]
    return "".join(texts) if incremental else str(texts[-1])


@contextmanager
def opened(
    target: Target, *, slash: str = "", headers: Mapping[str, str] | None = None
) -> Iterator[Frames]:
    """A websocket of the check's own. It offers permessage-deflate, as OkHttp does."""
    from websockets.sync.client import connect

    fields = {"Authorization": f"Bearer {target.key}", **(headers or {})}
    with connect(
        target.websocket + slash,
        additional_headers=fields,
        compression="deflate",
        proxy=None,
        open_timeout=WAIT_SECONDS,
        close_timeout=1,
    ) as connection:
        yield Frames(connection)
