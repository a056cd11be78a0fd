"""A checkpoint directory that is complete: `glmscope-source.json` says where it is from and lists
every file with its size and SHA-256. The list is written last, so its presence means completeness.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from glmscope.errors import ModelFilesError
from glmscope.model.json_file import read_json_object

MARKER_FILE = "glmscope-source.json"
_FORMAT = 1


@dataclass(frozen=True)
class StoredFile:
    """Size in bytes and SHA-256 in hexadecimal of one file."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Snapshot:
    """Where a directory's files are from, and what each of them must be.

    `source` is the address of a hub, or the folder that the files were taken from; `repository`
    and `revision` are empty for a folder.
    """

    source: str
    repository: str
    revision: str
    files: Mapping[str, StoredFile]

    def write(self, directory: Path) -> None:
        """Declare `directory` complete."""
        text = json.dumps(
            {"format": _FORMAT, **dataclasses.asdict(self)}, ensure_ascii=False, indent=2
        )
        (directory / MARKER_FILE).write_text(text + "\n", encoding="utf-8")


def read_snapshot(directory: Path) -> Snapshot | None:
    """What `directory` says of itself; None when it makes no claim to be complete.

    Raises ModelFilesError when the claim cannot be read, or when a file is missing or has another
    size. Contents are not read.
    """
    marker = directory / MARKER_FILE
    if not marker.is_file():
        return None
    fields = read_json_object(marker)
    try:
        if fields["format"] != _FORMAT:
            raise ModelFilesError(f"{marker} was written by another version of GLMScope.")
        listed = fields["files"]
        if not isinstance(listed, dict):
            raise TypeError
        files = {
            str(name): StoredFile(int(entry["size"]), str(entry["sha256"]))
            for name, entry in listed.items()
        }
        snapshot = Snapshot(
            str(fields["source"]), str(fields["repository"]), str(fields["revision"]), files
        )
    except (KeyError, TypeError, ValueError):
        raise ModelFilesError(f"{marker} is damaged; remove {directory} and fetch again.") from None
    for name, expected in files.items():
        if Path(name).name != name:
            raise ModelFilesError(f"{marker} names a file outside its directory: {name!r}.")
        path = directory / name
        if not path.is_file():
            raise ModelFilesError(f"{path} is missing.")
        if path.stat().st_size != expected.size:
            raise ModelFilesError(
                f"{path} has {path.stat().st_size} bytes instead of {expected.size}."
            )
    return snapshot
