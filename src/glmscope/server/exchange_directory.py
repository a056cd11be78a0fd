"""A directory of recorded exchanges, one file each."""

from __future__ import annotations

import os
import secrets
from datetime import datetime, timezone
from pathlib import Path

from glmscope.errors import UsageError
from glmscope.server.exchange import Exchange

_SUFFIX = ".json"


class ExchangeDirectory:
    """Files are for their owner alone: they hold what people asked and were told."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def make(cls, path: Path) -> ExchangeDirectory:
        """Make the directory where it is not there yet. Raises UsageError when that fails."""
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"Cannot record into {path}: {error.strerror}.") from error
        return cls(path)

    def add(self, exchange: Exchange) -> Path:
        """Write one exchange, whole or not at all; names sort by time.

        Raises OSError, and RecursionError for JSON that is nested too deeply to write.
        """
        text = exchange.to_json()
        stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%f")
        path = self.path / f"{stamp}-{secrets.token_hex(4)}{_SUFFIX}"
        unfinished = path.with_suffix(".part")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(text)
            unfinished.replace(path)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise
        return path

    def load(self) -> list[Exchange]:
        """Every exchange, oldest first. Raises UsageError for a file that is none, or for none."""
        try:
            files = sorted(each for each in self.path.iterdir() if each.suffix == _SUFFIX)
            texts = [(file, file.read_bytes()) for file in files]
        except OSError as error:
            raise UsageError(f"Cannot replay {self.path}: {error.strerror}.") from error
        if not texts:
            raise UsageError(f"{self.path} holds no recorded exchange.")
        return [Exchange.from_json(text, str(file)) for file, text in texts]
