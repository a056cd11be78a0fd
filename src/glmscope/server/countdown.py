"""A bound on waiting, for the protocols below the application."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Countdown:
    """Calls a function when some seconds have passed, unless it is stopped before."""

    def __init__(self) -> None:
        self._timer: asyncio.TimerHandle | None = None

    def start(self, seconds: float, act: Callable[[], object]) -> None:
        """Begin, or begin anew. Belongs into the event loop."""
        self.stop()
        self._timer = asyncio.get_running_loop().call_later(seconds, act)

    def stop(self) -> None:
        """Harmless when it does not run."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
