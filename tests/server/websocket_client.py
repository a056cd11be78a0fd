"""The DashScope websocket, spoken by hand."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.server.support import WAIT, RunningServer, ask

PATH = "/api-ws/v1/inference"
TASK = {"task_group": "aigc", "task": "text-generation", "function": "generation"}
ANSWER = "\n You said: hello"
"""Of a greedy task that asks nothing else."""


@dataclass(frozen=True)
class TaskFrames:
    """All that came back for one task, in order."""

    frames: list[dict[str, Any]]

    @property
    def events(self) -> list[str]:
        return [frame["header"]["event"] for frame in self.frames]

    @property
    def results(self) -> list[dict[str, Any]]:
        return [
            frame["payload"]
            for frame in self.frames
            if frame["header"]["event"] == "result-generated"
        ]

    @property
    def texts(self) -> list[str]:
        return [result["output"]["text"] for result in self.results]

    @property
    def error(self) -> str | None:
        """The code that the task failed with."""
        code: str | None = self.frames[-1]["header"].get("error_code")
        return code


class WebsocketClient:
    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def send(self, frame: object) -> None:
        """A frame of bytes or text goes as it is, a list in fragments, an object as JSON."""
        as_it_is = isinstance(frame, (str, bytes, list))
        self.connection.send(frame if as_it_is else json.dumps(frame))  # type: ignore[arg-type]

    def receive(self) -> dict[str, Any]:
        frame = json.loads(self.connection.recv(timeout=WAIT))
        assert list(frame) == ["header", "payload"]
        assert frame["header"]["attributes"] == {}
        return dict(frame)

    def until_over(self) -> TaskFrames:
        """Frames up to the one that ends a task."""
        frames = [self.receive()]
        while frames[-1]["header"]["event"] not in ("task-finished", "task-failed"):
            frames.append(self.receive())
        return TaskFrames(frames)

    def run(
        self, prompt: str = "hello", streaming: str = "out", **parameters: object
    ) -> TaskFrames:
        self.send(run_task(prompt, streaming, **parameters))
        return self.until_over()


def websocket_url(server: RunningServer, path: str = PATH) -> str:
    return f"ws{server.url.removeprefix('http')}{path}"


@contextmanager
def websocket(server: RunningServer, path: str = PATH, **options: Any) -> Iterator[WebsocketClient]:
    headers = {"Authorization": f"Bearer {server.key}"} if server.key else {}
    url = websocket_url(server, path)
    with connect(url, additional_headers=headers, proxy=None, **options) as connection:
        yield WebsocketClient(connection)


def run_task(
    prompt: str = "hello",
    streaming: str = "out",
    task_id: object = None,
    payload: object = None,
    **parameters: object,
) -> dict[str, Any]:
    """The frame that starts a greedy generation, or one with `payload`."""
    return {
        "header": {
            "action": "run-task",
            "task_id": task_id or uuid.uuid4().hex,
            "streaming": streaming,
        },
        "payload": {**ask(prompt, **parameters), **TASK} if payload is None else payload,
    }


def further_input(action: str, task_id: str) -> dict[str, Any]:
    return {"header": {"action": action, "task_id": task_id}, "payload": {"input": {}}}


def fragments(text: str, size: int) -> Iterable[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]
