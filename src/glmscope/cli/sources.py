"""What `--model` may say, and where that is on this machine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from glmscope import nano, paths
from glmscope.errors import UsageError
from glmscope.model.catalog import CATALOG, find_model

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class ModelSource:
    """A directory, published or converted, and the id that requests shall name.

    `id` None means: the id of the published model that the directory holds.
    """

    id: str | None
    directory: Path


def parse_source(text: str) -> ModelSource:
    """Read `DIR`, `ID=DIR`, or the name of a catalog model in place of DIR.

    Raises UsageError, saying what would be understood, when that is no directory of this machine.
    """
    name, equals, place = text.partition("=")
    if equals and _ID.fullmatch(name) and not Path(text).exists():
        return ModelSource(name, _directory(place))
    row = None if Path(text).exists() else find_model(text)
    return ModelSource(row.id if row else None, _directory(text))


def _directory(place: str) -> Path:
    directory = Path(place).expanduser()
    if directory.is_dir():
        return directory.absolute()
    model = find_model(place)
    # As `glmscope pull` names what the catalog does not have.
    pulled = paths.models_dir() / (model.id if model else place.replace("/", "--"))
    if pulled.is_dir():
        return pulled
    if model is not None and model.is_builtin:
        if nano.is_here():
            return nano.directory()
        raise UsageError(f"{model.id} is not in this installation of GLMScope.")
    if model is not None:
        raise UsageError(f"{model.id} is not here yet; fetch it with: glmscope pull {model.id}")
    known = ", ".join(row.id for row in CATALOG)
    raise UsageError(
        f'--model takes a directory, ID=DIRECTORY or one of {known}; "{place}" is none of these.'
    )
