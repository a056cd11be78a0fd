"""Plain HTTP/1.1 by hand, so that every byte of an answer can be looked at."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from glmscope.conform.check import MismatchError

WAIT_SECONDS = 30.0
"""Longest silence that a check lives with; checks of silence set their own."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One chunk of a chunked body, and when it was there (`time.monotonic`)."""

    at: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """A response read to its end."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    pieces: list[Piece] = field(default_factory=list)

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(piece.data for piece in self.pieces)

    @property
    def json(self) -> Any:
        """The body parsed. Raises MismatchError when it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise MismatchError(f"status {self.status} with a body that is not JSON") from None

    @property
    def data(self) -> list[Any]:
        """What the `data:` lines of an event stream hold, parsed."""
        lines = self.body.decode("utf-8").split("\n")
        return [json.loads(line.removeprefix("data:")) for line in lines if line[:5] == "data:"]


class Connection:
    """A keep-alive connection. All reading raises OSError when nothing comes in time."""

    def __init__(self, url: str, timeout: float = WAIT_SECONDS) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        self._host = f"{host}:{port}"
        self.socket: socket.socket = socket.create_connection((host, port), timeout)
        if parts.scheme == "https":
            self.socket = ssl.create_default_context().wrap_socket(
                self.socket, server_hostname=host
            )
        self._file = self.socket.makefile("rb")

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up, whatever is still on the way."""
        self._file.close()
        self.socket.close()

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> None:
        """Send a request; `headers` go out exactly as they are spelled."""
        fields = {"Host": self._host, **headers}
        if body or method == "POST":
            fields.setdefault("Content-Length", str(len(body)))
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {fields[name]}" for name in fields)]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    def head(self) -> Answer:
        """Status and headers of the next response, before its body."""
        status = int(self._line().split(" ", 2)[1])
        headers: dict[str, str] = {}
        while line := self._line():
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        return Answer(status, headers)

    def answer(self) -> Answer:
        """The next response, to its end."""
        head = self.head()
        head.pieces.extend(self.pieces(head))
        return head

    def pieces(self, head: Answer) -> Iterator[Piece]:
        """The body after `head`, chunk by chunk as it arrives."""
        if "chunked" not in head.headers.get("transfer-encoding", "").lower():
            data = self._exactly(int(head.headers.get("content-length", "0")))
            yield Piece(time.monotonic(), data)
            return
        while size := int(self._line().partition(";")[0], 16):
            data = self._exactly(size)
            self._line()
            yield Piece(time.monotonic(), data)
        while self._line():
            pass

    def _exactly(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) != size:
            raise MismatchError("the server closed the connection in the middle of a body")
        return data

    def _line(self) -> str:
        line = self._file.readline()
        if not line.endswith(b"\n"):
            raise MismatchError("the server closed the connection instead of answering")
        return line.rstrip(b"\r\n").decode("latin-1")
