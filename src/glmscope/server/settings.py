"""What an operator may set about the server itself."""

from __future__ import annotations

from dataclasses import dataclass

from glmscope.errors import UsageError


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Bounds and waiting times of one server. Raises UsageError for what cannot work."""

    max_running: int = 32
    """Replies generated side by side."""
    max_waiting: int = 128
    """Requests that may wait for their turn; one more is answered 429 at once."""
    max_body_bytes: int = 4 * 1024 * 1024
    """Largest request body. The longest context, every character escaped, needs some 1.2 MB."""
    keep_alive_seconds: float = 15.0
    """Silence in a stream after which a comment shows client and server that both are there."""
    drain_seconds: float = 30.0
    """How long running replies may go on after the server was told to stop."""
    retry_after_seconds: int = 5
    """What a client is told to wait after 429 and 503."""

    def __post_init__(self) -> None:
        if self.max_running < 1 or self.keep_alive_seconds <= 0:
            raise UsageError("max_running and keep_alive_seconds must be greater than 0.")
        others = (self.max_waiting, self.max_body_bytes, self.drain_seconds)
        if min(*others, self.retry_after_seconds) < 0:
            raise UsageError("No setting of the server may be negative.")
