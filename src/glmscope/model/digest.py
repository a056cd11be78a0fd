"""SHA-256 of files too large to hold in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from glmscope.errors import ModelFilesError

_CHUNK_BYTES = 1024 * 1024


def sha256_of(path: Path, progress: Callable[[int], None] | None = None) -> str:
    """The SHA-256 of `path` in hexadecimal.

    `progress` is told the number of bytes of each piece as it is done. Raises ModelFilesError when
    the file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(_CHUNK_BYTES):
                digest.update(piece)
                if progress:
                    progress(len(piece))
    except OSError as error:
        raise ModelFilesError(f"{path} cannot be read: {error.strerror}.") from None
    return digest.hexdigest()
