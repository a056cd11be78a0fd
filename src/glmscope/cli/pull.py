"""`glmscope pull`: fetch a published checkpoint, or take one from a folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glmscope import paths
from glmscope.cli.console import note, say
from glmscope.cli.progress import byte_progress
from glmscope.errors import UsageError

if TYPE_CHECKING:
    from glmscope.model.catalog import CatalogModel
    from glmscope.model.snapshot import Snapshot

_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
_DEFAULT_BRANCH = {"modelscope": "master", "huggingface": "main"}


def pull(
    model: Annotated[
        str, typer.Argument(metavar="ID", help="A model of the catalog, or OWNER/NAME on the hub.")
    ],
    origin: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="modelscope|huggingface|PATH",
            help="Where from: a hub, or a folder that somebody copied here.",
        ),
    ] = "modelscope",
    revision: Annotated[
        str | None, typer.Option(help="Tag, branch or commit; by default the catalog's.")
    ] = None,
    endpoint: Annotated[
        str | None, typer.Option(metavar="URL", help="Another address of the hub, like a mirror's.")
    ] = None,
) -> None:
    """Fetch a checkpoint into the data directory: resumed if interrupted, every file checked."""
    from glmscope.model.catalog import find_model, lookup_model
    from glmscope.model.hub import adopt

    known = find_model(model)
    if known is None and not _REPOSITORY.fullmatch(model):
        lookup_model(model)  # raises, naming what there is
    if known is not None and known.is_builtin:
        raise UsageError(f"{known.id} comes with GLMScope; there is nothing to fetch.")
    name = known.id if known else model.replace("/", "--")
    paths.make_data_dir()
    destination = paths.models_dir() / name
    if origin in _DEFAULT_BRANCH:
        snapshot = _from_hub(origin, model, known, revision, endpoint, destination)
    else:
        if revision is not None or endpoint is not None:
            raise UsageError("--revision and --endpoint belong to a hub, not to a folder.")
        folder = Path(origin).expanduser()
        if not folder.is_dir():
            raise UsageError(
                f"--from must be modelscope, huggingface or a folder; there is no folder {folder}."
            )
        with byte_progress(name) as report:
            snapshot = adopt(folder, destination, report)
    size = sum(file.size for file in snapshot.files.values())
    note(f"{name}: {len(snapshot.files)} files, {size / 2**30:.2f} GiB.")
    say(str(destination))


def _from_hub(
    hub_name: str,
    model: str,
    known: CatalogModel | None,
    revision: str | None,
    endpoint: str | None,
    destination: Path,
) -> Snapshot:
    from glmscope.model.hub import pull as pull_from_hub
    from glmscope.model.hub_clients import open_hub

    repository = model
    published = _DEFAULT_BRANCH[hub_name]
    if known is not None and hub_name == "modelscope":
        repository, published = known.modelscope, known.revision
    elif known is not None:
        repository = known.huggingface
    hub = open_hub(hub_name, endpoint, paths.default_data_dir() / "hub-cache")
    note(f"{repository}, revision {revision or published}, from {hub.endpoint}")
    with byte_progress(destination.name) as report:
        return pull_from_hub(hub, repository, revision or published, destination, report)
