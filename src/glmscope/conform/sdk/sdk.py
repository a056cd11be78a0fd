"""An official SDK as the checks see it."""

from __future__ import annotations

import json
import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from glmscope.conform.check import Lane, MismatchError, Skip
from glmscope.conform.sdk.process import LineProcess
from glmscope.conform.sdk.response import Response
from glmscope.conform.target import CHATGLM3, Target


class SdkRaisedError(MismatchError):
    """The SDK raised to its caller.

    `kinds` are the names of the exception's class and its bases, `code` is what it carries.
    """

    def __init__(self, kinds: Sequence[str], code: Any, message: str) -> None:
        super().__init__(f"the SDK raised {kinds[0]}: {message[:300]}")
        self.kinds = tuple(kinds)
        self.code = code


class Sdk(ABC):
    """Drives one SDK through a program that speaks JSON lines; to be closed."""

    lane: Lane
    name: str
    """As the table of results shows it, such as `python 2.0.2`."""
    classes: frozenset[str]
    """Which of the younger classes the SDK has."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._home = tempfile.TemporaryDirectory(prefix="glmscope-conform-")
        self.home = Path(self._home.name)
        self._process: LineProcess | None = None

    def __enter__(self) -> Sdk:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.restart()
        self._home.cleanup()

    @abstractmethod
    def command(self) -> list[str]:
        """What starts the program."""

    @abstractmethod
    def run_page(self) -> Any:
        """Run the page's program unchanged and return the JSON object that it printed."""

    @property
    def environment(self) -> dict[str, str]:
        """The SDK's own variables; no proxy on the way, no settings from the user's home."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if "proxy" not in name.lower() and not name.startswith("DASHSCOPE_")
        }
        return kept | {
            "DASHSCOPE_API_KEY": self.target.key,
            "DASHSCOPE_HTTP_BASE_URL": self.target.native,
            "DASHSCOPE_WEBSOCKET_BASE_URL": self.target.websocket,
            "DASHSCOPE_COMPATIBLE_BASE_URL": self.target.compatible,
            "HOME": str(self.home),
            "PYTHONUTF8": "1",
        }

    def restart(self) -> None:
        """Let go of the program; the next question starts it anew."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def ask(self, op: str, **arguments: Any) -> Any:
        """Have the program do `op`. Raises SdkRaisedError, MismatchError when it hangs or dies."""
        if self._process is None:
            self._process = LineProcess(self.command(), self.environment)
        try:
            line = self._process.ask(json.dumps({"op": op, "arguments": arguments}))
        except (TimeoutError, EOFError) as error:
            self.restart()
            raise MismatchError(f"the SDK did not come back from {op}: {error}") from None
        answer = json.loads(line)
        if "raised" in answer:
            raise SdkRaisedError(answer["raised"], answer["code"], answer["message"])
        return answer["result"]

    def need(self, name: str) -> None:
        """Raise Skip unless the SDK has the class `name`."""
        if name not in self.classes:
            raise Skip(f"this SDK has no {name}")

    def responses(
        self, *, stream: bool = False, transport: str = "http", **arguments: Any
    ) -> list[Response]:
        """`Generation.call` with `arguments`; `model` is ChatGLM3 unless named."""
        found = self.ask("generate", **_call(transport, stream, arguments))
        return [Response(**each) for each in found]

    def stream(self, **arguments: Any) -> list[Response]:
        """A streamed call, every chunk of which succeeded."""
        responses = self.responses(stream=True, **arguments)
        if not responses:
            raise MismatchError("a stream without any chunk")
        return [_succeeded(response) for response in responses]

    def call(self, **arguments: Any) -> Response:
        """A plain call that succeeded."""
        return _succeeded(self.answer(**arguments))

    def answer(self, **arguments: Any) -> Response:
        """A plain call, however it went."""
        responses = self.responses(**arguments)
        if len(responses) != 1:
            raise MismatchError(f"{len(responses)} responses to a plain call")
        return responses[0]

    def parallel(self, calls: Sequence[Mapping[str, Any]]) -> list[list[Response]]:
        """Calls at the same time; each mapping holds what `responses` takes."""
        packed = [
            _call(
                call.get("transport", "http"),
                call.get("stream", False),
                {name: call[name] for name in call if name not in ("transport", "stream")},
            )
            for call in calls
        ]
        results = self.ask("parallel", calls=packed)
        return [[Response(**each) for each in result] for result in results]


def _call(transport: str, stream: bool, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "transport": transport,
        "stream": stream,
        "arguments": {"model": CHATGLM3, **arguments},
    }


def _succeeded(response: Response) -> Response:
    if not response.ok:
        sentence = f"{response.status} {response.code}: {response.message}"
        if str(response.message).endswith("is not supported by this server yet."):
            raise Skip(f"the server says: {response.message}")
        raise MismatchError(sentence)
    return response
