"""Golden arrays: an `.npz` file, read as data from strangers."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from glmscope.errors import ModelFilesError
from glmscope.model.weights import Array


class Golden(dict[str, Array]):
    """The arrays of one golden file by name; asking for one that is absent names the file."""

    def __init__(self, path: Path) -> None:
        """Read `path`. Raises ModelFilesError when it is no archive of arrays."""
        self.path = path
        try:
            with path.open("rb") as file, np.load(file) as archive:
                super().__init__(archive)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise ModelFilesError(f"{path} is no golden file ({error}).") from None

    def __missing__(self, name: str) -> Array:
        raise ModelFilesError(f"{self.path} has no array {name}.")
