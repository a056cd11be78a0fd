"""A Redis server of the tests' own, reached through a socket file that only they know."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_WAIT = 20.0


class Redis:
    """A running server."""

    def __init__(self, directory: Path) -> None:
        self.url = f"unix://{directory}/redis.sock"
        self._process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", "redis.sock", "--save", ""],
            stdout=subprocess.DEVNULL,
            cwd=directory,
        )
        deadline = time.monotonic() + _WAIT
        while not (directory / "redis.sock").exists():
            assert time.monotonic() < deadline, "Redis does not start"
            time.sleep(0.02)

    def stop(self) -> None:
        """End it, as a crash would; doing it again does nothing."""
        self._process.kill()
        self._process.wait(_WAIT)


@contextmanager
def redis_server() -> Iterator[Redis]:
    """Start a server, and end it with the block; skips, with the reason, where there is none."""
    pytest.importorskip("redis", reason="the extra redis is not installed")
    if shutil.which("redis-server") is None:
        pytest.skip("Redis is not installed (Debian package redis-server)")
    # Not pytest's own directory: a socket's path has at most some hundred characters.
    with tempfile.TemporaryDirectory(prefix="glmscope-redis-") as directory:
        server = Redis(Path(directory))
        try:
            yield server
        finally:
            server.stop()
