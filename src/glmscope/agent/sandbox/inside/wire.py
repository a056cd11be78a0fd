"""Messages between server, supervisor and kernel: one JSON object a line, no line without end."""

from __future__ import annotations

import json
from typing import Any

LINE_BYTES = 4 * 2**20
CHUNK_BYTES = 2**19  # of a file, in one message
DATA_DIRECTORY = "/mnt/data"
PACKAGE_DIRECTORY = "/opt/site-packages"
MODULE_DIRECTORY = "/opt/glmscope"

Message = dict[str, Any]


class WireError(Exception):
    """A line that is too long, or not a JSON object."""


def encode(message: Message) -> bytes:
    """One line. Lone surrogates become escapes, so that any string of Python's can be sent."""
    return json.dumps(message).encode("ascii") + b"\n"


def decode(line: bytes) -> Message:
    """The message of one line. Raises WireError."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        raise WireError("A line is not JSON.") from None
    if not isinstance(message, dict):
        raise WireError("A line is not an object.")
    return message


class Lines:
    """Cuts a stream of bytes into lines."""

    def __init__(self) -> None:
        self._rest = bytearray()

    @property
    def in_line(self) -> bool:
        """Whether a line has begun whose end has not come."""
        return bool(self._rest)

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are complete now. Raises WireError for one that is too long."""
        self._rest += data
        *lines, rest = self._rest.split(b"\n")
        self._rest = rest
        if len(rest) > LINE_BYTES:
            raise WireError("A line is too long.")
        return [bytes(line) for line in lines]
