"""Which installed packages a cell may import: those asked for and what they need, no others.

The server's own packages are not among them, so that neither its code nor its configuration can be
read from inside.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

DEFAULT_PACKAGES = ("numpy", "pandas", "matplotlib")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def importable(packages: Iterable[str]) -> dict[str, Path]:
    """Name in a directory of packages → file or directory here, for `packages` and their needs.

    A package that is not installed is left out: a cell that imports it is told so by Python.
    """
    found: dict[str, Path] = {}
    waiting, seen = list(packages), set[str]()
    while waiting:
        name = waiting.pop().lower()
        if name in seen:
            continue
        seen.add(name)
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue
        waiting += _needs(package)
        found.update(_top_level(package))
    return found


def _needs(package: Distribution) -> Iterator[str]:
    for requirement in package.requires or ():
        name = _NAME.match(requirement)
        if name and "extra ==" not in requirement:
            yield name.group()


def _top_level(package: Distribution) -> Iterator[tuple[str, Path]]:
    names = {file.parts[0] for file in package.files or ()}
    names.update((package.read_text("top_level.txt") or "").split())
    for name in names - {"..", "__pycache__"}:
        path = Path(str(package.locate_file(name))).resolve()
        if path.exists() and path.suffix != ".pth":
            yield name, path
