"""A server's first moments: its address is taken, its models are being loaded."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from glmscope.server.settings import ServerSettings

if TYPE_CHECKING:
    from glmscope.server.run import Server

PATIENCE_SECONDS = 1.0
"""Who asks so soon before the models are there is better made to wait than told to come back."""


@contextmanager
def unavailable(
    listener: socket.socket, settings: ServerSettings, patience: float = PATIENCE_SECONDS
) -> Iterator[None]:
    """Answer 503 on `listener` inside the block, from a thread, once `patience` seconds are over.

    Until then, and from the end of the block on, a connection waits for whoever serves next; the
    listener stays open. All that a server imports is imported in the thread, beside the models.
    """
    loading = _Loading(listener, settings, patience)
    thread = threading.Thread(target=loading.answer, name="loading", daemon=True)
    thread.start()
    try:
        yield
    finally:
        loading.end()
        thread.join()


class _Loading:
    """What the thread does, and how it is told to end."""

    def __init__(self, listener: socket.socket, settings: ServerSettings, patience: float) -> None:
        self._listener = listener
        self._settings = settings
        self._patience = patience
        self._over = threading.Event()
        self._server: Server | None = None

    def answer(self) -> None:
        """Import, wait, and answer until the end."""
        import glmscope.server.app  # noqa: F401
        from glmscope.server.loading_server import loading_server

        if self._over.wait(self._patience):
            return
        with self._listener.dup() as listener:
            self._server = loading_server(listener, self._settings)
            # The end may have come before there was a server that could be stopped.
            if not self._over.is_set():
                self._server.run()

    def end(self) -> None:
        """Answer no more; to be called from another thread."""
        self._over.set()
        if self._server is not None:
            self._server.stop()
