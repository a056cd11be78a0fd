"""`glmscope models`: the models that are known, and which of them are here."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.filesize import decimal
from rich.table import Table

from glmscope import nano, paths
from glmscope.cli.console import note, out
from glmscope.errors import ModelFilesError
from glmscope.model.catalog import CATALOG, CatalogModel, recognize_model
from glmscope.model.manifest import is_converted, read_manifest


def models() -> None:
    """List the known models: what they are, where they come from, what is on this machine."""
    converted = _converted_models()
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 0, 1, 1), header_style="bold")
    table.add_column("id\nmodel", no_wrap=True)
    table.add_column("family\nmade for")
    table.add_column("tokens in all\nin, out")
    table.add_column("ModelScope\nrevision", overflow="fold")
    table.add_column("on this\nmachine")
    for row in CATALOG:
        limits = row.limits
        here = [*_packaged(row), *_pulled(paths.models_dir() / row.id), *converted[row.id]]
        table.add_row(
            f"{row.id}\n{row.name}",
            f"{row.family.value}\n{', '.join(sorted(each.value for each in row.abilities))}",
            f"{limits.context}\n{limits.input}, {limits.output}",
            row.description if row.is_builtin else f"{row.modelscope}\n{row.revision}",
            "\n".join(here or ["known"]),
        )
    out.print(table)


def _packaged(row: CatalogModel) -> list[str]:
    return ["built in"] if row.is_builtin and nano.is_here() else []


def _pulled(directory: Path) -> list[str]:
    if not directory.is_dir():
        return []
    return [f"pulled {decimal(sum(file.stat().st_size for file in directory.iterdir()))}"]


def _converted_models() -> dict[str, list[str]]:
    """What each catalog model was converted to on first use; damaged directories are named."""
    found: dict[str, list[str]] = defaultdict(list)
    parent = paths.converted_dir()
    for directory in sorted(parent.iterdir()) if parent.is_dir() else ():
        if not is_converted(directory):
            continue
        try:
            manifest = read_manifest(directory)
        except ModelFilesError as error:
            note(error.message)
            continue
        size = decimal(manifest.nbytes)
        found[recognize_model(manifest.config).id].append(f"{manifest.weights} {size}")
    return found
