"""What an operator may set about the server itself."""

from __future__ import annotations

import math
from dataclasses import dataclass

from glmscope.errors import UsageError

_ONE_KEYS_SHARE = 0.75


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Bounds and waiting times of one server. Raises UsageError for what cannot work."""

    max_running: int = 32
    """Replies generated side by side."""
    max_waiting: int = 128
    """Requests that may wait for their turn; one more is answered 429 at once."""
    max_waiting_per_key: int | None = None
    """How many of those may be one key's, so that none fills the line; None: three quarters."""
    max_wait_seconds: float = 240.0
    """Longest wait for a turn, then 408. SDKs give up after 300 seconds without an answer."""
    max_body_bytes: int = 4 * 1024 * 1024
    """Largest request body. The longest context, every character escaped, needs some 1.2 MB."""
    keep_alive_seconds: float = 15.0
    """Silence in a stream after which a comment shows client and server that both are there."""
    receive_seconds: float = 60.0
    """How long a request may take to arrive: its head, and from there its body."""
    write_seconds: float = 120.0
    """How long a client may take nothing of its answer before the connection is cut."""
    max_websockets: int = 1024
    """Websockets that may be open, three quarters of them one key's; one more is answered 429."""
    websocket_idle_seconds: float = 600.0
    """A websocket that nothing is asked through is closed after that long, at most twice that."""
    websocket_hold_back_seconds: float = 0.05
    """From a task's arrival to its first result at least: the Java SDK loses what comes sooner."""
    drain_seconds: float = 30.0
    """How long running replies may go on after the server was told to stop."""
    retry_after_seconds: int = 5
    """What a client is told to wait after 429 and 503."""
    openapi: bool = False
    """Whether whoever holds a key may read the OpenAPI page."""
    log_prompts: bool = False
    """Whether prompts and replies are logged."""
    trace: bool = False
    """Whether traces hold the ids, and with them the texts, of prompts and replies."""
    trace_seconds: float = 3600.0
    """How long a trace is kept."""
    trace_bytes: int = 64 * 1024 * 1024
    """Memory for traces, about: some 2 KB each, and 4 bytes an id where ids are kept."""

    def __post_init__(self) -> None:
        above_zero = {
            "max_running": self.max_running,
            "max_wait_seconds": self.max_wait_seconds,
            "keep_alive_seconds": self.keep_alive_seconds,
            "receive_seconds": self.receive_seconds,
            "write_seconds": self.write_seconds,
            "websocket_idle_seconds": self.websocket_idle_seconds,
        }
        for name, value in above_zero.items():
            if value <= 0:
                raise UsageError(f"{name} must be greater than 0.")
        others = (
            self.max_waiting,
            self.max_waiting_per_key or 0,
            self.max_body_bytes,
            self.max_websockets,
            self.websocket_hold_back_seconds,
            self.drain_seconds,
            self.trace_seconds,
            self.trace_bytes,
            self.retry_after_seconds,
        )
        if min(others) < 0:
            raise UsageError("No setting of the server may be negative.")

    @property
    def websockets_share(self) -> int:
        """Websockets of one key that may be open."""
        return math.ceil(self.max_websockets * _ONE_KEYS_SHARE)

    @property
    def waiting_share(self) -> int:
        """Requests of one key that may wait."""
        if self.max_waiting_per_key is None:
            return math.ceil(self.max_waiting * _ONE_KEYS_SHARE)
        return self.max_waiting_per_key
