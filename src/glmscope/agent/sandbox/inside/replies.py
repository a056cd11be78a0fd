"""What the kernel says: texts and pictures in the order in which the cell showed them."""

from __future__ import annotations

import base64
import codecs
import io
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from .wire import Message, encode

_PIECE = 32_768  # characters in one message


class Interrupts:
    """SIGINT becomes KeyboardInterrupt while a cell runs, but never in the middle of a message."""

    def __init__(self) -> None:
        self._armed = False
        self._held = 0
        self._waiting = False
        signal.signal(signal.SIGINT, self._arrived)

    def _arrived(self, _number: int, _frame: FrameType | None) -> None:
        if self._held:
            self._waiting = self._armed
        elif self._armed:
            raise KeyboardInterrupt

    @contextmanager
    def armed(self) -> Iterator[None]:
        """Around a cell. A cell that took the signal for itself gives it back here."""
        signal.signal(signal.SIGINT, self._arrived)
        self._waiting, self._armed = False, True
        try:
            yield
        finally:
            self._armed = False

    def disarm(self) -> None:
        """Where an interrupt came just as `armed` was leaving."""
        self._armed = self._waiting = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Around what must not be cut in two; an interrupt that came meanwhile is raised after."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        if self._waiting and not self._held:
            self._waiting = False
            raise KeyboardInterrupt


class Replies:
    """Sends messages to the supervisor, whole, from any thread."""

    def __init__(self, handle: int, interrupts: Interrupts) -> None:
        self._handle = handle
        self._interrupts = interrupts
        self._lock = threading.RLock()
        self._stream = ""
        self._text = ""

    def text(self, stream: str, text: str) -> None:
        """Show words; a line's beginning waits for its end or for another stream."""
        with self._interrupts.held(), self._lock:
            if stream != self._stream:
                self._flush()
                self._stream = stream
            self._text += text
            if "\n" in text or len(self._text) >= _PIECE:
                self._flush()

    def image(self, png: bytes) -> None:
        """Show a picture."""
        self.send({"event": "image", "data": base64.b64encode(png).decode("ascii")})

    def send(self, message: Message) -> None:
        """Send a message after all words before it."""
        with self._interrupts.held(), self._lock:
            self._flush()
            self._write(message)

    def _flush(self) -> None:
        text, self._text = self._text, ""
        for start in range(0, len(text), _PIECE):
            piece = text[start : start + _PIECE]
            self._write({"event": "text", "stream": self._stream, "text": piece})

    def _write(self, message: Message) -> None:
        data = memoryview(encode(message))
        while data:
            data = data[os.write(self._handle, data) :]


class _Raw(io.RawIOBase):
    """The bytes of a standard stream, turned into texts."""

    def __init__(self, replies: Replies, stream: str, handle: int) -> None:
        self._replies = replies
        self._stream = stream
        self._handle = handle
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        """For programs that a cell starts: what they write is collected as well."""
        return self._handle

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._replies.text(self._stream, self._decoder.decode(data))
        return len(data)


def standard_stream(replies: Replies, stream: str, handle: int) -> io.TextIOWrapper:
    """A `sys.stdout` or `sys.stderr` whose words are sent as messages."""
    raw = _Raw(replies, stream, handle)
    return io.TextIOWrapper(raw, "utf-8", "backslashreplace", write_through=True)  # type: ignore[arg-type]
