"""The server under test, and the few ways in which checks ask it over plain HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from glmscope.conform.check import MismatchError, Skip
from glmscope.conform.http import WAIT_SECONDS, Answer, Connection
from glmscope.conform.script import GREETING, PROBE
from glmscope.errors import UsageError

CHATGLM3 = "chatglm3-6b"
CHATGLM2 = "chatglm-6b-v2"
GENERATION = "/api/v1/services/aigc/text-generation/generation"
STREAM = {"X-DashScope-SSE": "enable"}
GREEDY: dict[str, Any] = {"temperature": 0}
SHORT: dict[str, Any] = {**GREEDY, "max_tokens": 24}
"""For comparisons, which no model should take long over."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address and a key; the three planes are below `url`. Section 1 of the protocol."""

    url: str
    key: str

    @classmethod
    def at(cls, url: str, key: str) -> Target:
        """Take `http://HOST:PORT`, with or without `/api/v1`. Raises UsageError for others."""
        base = url.rstrip("/").removesuffix("/api/v1").rstrip("/")
        parts = urlsplit(base)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path:
            raise UsageError(f"An address like http://127.0.0.1:8000 is wanted, not {url}.")
        return cls(base, key)

    @property
    def native(self) -> str:
        """Base URL of the native HTTP plane."""
        return f"{self.url}/api/v1"

    @property
    def websocket(self) -> str:
        """Base URL of the websocket plane."""
        return f"ws{self.url.removeprefix('http')}/api-ws/v1/inference"

    @property
    def compatible(self) -> str:
        """Base URL of the OpenAI-compatible plane."""
        return f"{self.url}/compatible-mode/v1"

    @property
    def plays_script(self) -> bool:
        """Whether the server answers with the conformance script."""
        answer = self.generate(PROBE, **GREEDY)
        try:
            return answer.status == 200 and text_of(answer) == GREETING
        except (MismatchError, KeyError, TypeError):
            return False

    def need(self, model: str) -> None:
        """Raise Skip unless the server has `model`."""
        answer = self.ask(body("x", model=model, max_tokens=1))
        if answer.status == 404:
            raise Skip(f"the server does not serve {model}")

    def connect(self, timeout: float = WAIT_SECONDS) -> Connection:
        """A fresh connection."""
        return Connection(self.url, timeout)

    def headers(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The headers of every request; an empty value in `extra` takes one away."""
        fields = {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": "application/json",
            **(extra or {}),
        }
        return {name: value for name, value in fields.items() if value}

    def send(
        self,
        connection: Connection,
        body: object,
        headers: Mapping[str, str] | None = None,
        *,
        path: str = GENERATION,
        method: str = "POST",
    ) -> None:
        """Send on a connection of the check's own; bytes go as they are, the rest as JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.send(method, path, self.headers(headers), raw)

    def ask(
        self,
        body: object,
        headers: Mapping[str, str] | None = None,
        *,
        path: str = GENERATION,
        method: str = "POST",
        timeout: float = WAIT_SECONDS,
    ) -> Answer:
        """Ask on a connection made for it."""
        with self.connect(timeout) as connection:
            self.send(connection, body, headers, path=path, method=method)
            return connection.answer()

    def get(self, path: str) -> Answer:
        """GET with the key."""
        return self.ask(b"", path=path, method="GET")

    def generate(self, prompt: str, *, stream: bool = False, **parameters: Any) -> Answer:
        """Generation in text form from a prompt."""
        return self.ask(body(prompt, **parameters), STREAM if stream else None)


def body(given: object, model: str = CHATGLM3, **parameters: Any) -> dict[str, Any]:
    """A generation request: `given` is a prompt, a list of messages or a whole `input`."""
    if isinstance(given, str):
        given = {"prompt": given}
    elif isinstance(given, list):
        given = {"messages": given}
    return {"model": model, "input": given, "parameters": parameters}


def user(content: object) -> dict[str, object]:
    """A user message."""
    return {"role": "user", "content": content}


def assistant(content: str) -> dict[str, object]:
    """An assistant message."""
    return {"role": "assistant", "content": content}


def text_of(answer: Answer) -> str:
    """The text of a plain answer in text form. Raises KeyError when there is none."""
    return str(answer.json["output"]["text"])
