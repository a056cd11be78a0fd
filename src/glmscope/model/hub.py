"""Fetch a published checkpoint: only the files it needs, resumed, and every one checked.

Everything happens in `NAME.partial` beside the destination, which is renamed when the last file
has been checked: a directory under its own name is whole.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from glmscope.errors import HubError, ModelFilesError
from glmscope.model.catalog import OPTIONAL_FILES, REQUIRED_FILES, files_to_fetch
from glmscope.model.checkpoint import Checkpoint
from glmscope.model.config import load_config
from glmscope.model.digest import sha256_of
from glmscope.model.hub_clients import Hub, RemoteFile
from glmscope.model.snapshot import (
    MARKER_FILE,
    Snapshot,
    StoredFile,
    read_snapshot,
)

Progress = Callable[[int, int], None]
"""Told the bytes that are there and the bytes in all."""

_POLL_SECONDS = 0.2


def pull(
    hub: Hub, repository: str, revision: str, destination: Path, progress: Progress
) -> Snapshot:
    """Fetch what is needed of `repository` into `destination` and return what is there then.

    A destination that already holds these very files is left as it is; one that holds others is
    replaced once the new ones are whole. What an interrupted pull left is gone on from. Code in
    the repository is never fetched. Raises HubError, naming the file where there is one, and
    ModelFilesError when the repository or the destination does not hold a model.
    """
    from filelock import FileLock, Timeout  # both hubs' libraries bring it

    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(destination.with_name(f".{destination.name}.lock"), timeout=0):
            return _pull(hub, repository, revision, destination, progress)
    except Timeout:
        raise HubError(f"{destination} is being fetched by another process.") from None
    except OSError as error:
        raise HubError(f"{destination} cannot be written: {error.strerror}.") from None


def _pull(
    hub: Hub, repository: str, revision: str, destination: Path, progress: Progress
) -> Snapshot:
    present = _present(destination)
    exact, listing = hub.list_files(repository, revision)
    wanted = files_to_fetch([file.name for file in listing])
    remote = {file.name: file for file in listing if file.name in wanted}
    total = sum(file.size for file in remote.values())
    if present and _is_same(present, destination, remote):
        progress(total, total)
        return present
    partial = _partial(destination)
    _clear_of_others(partial, wanted)
    files = {}
    with _watching(partial, total, progress):
        for name in wanted:
            if not _is_whole(partial / name, remote[name]):
                (partial / name).unlink(missing_ok=True)
                hub.fetch(repository, exact, remote[name], partial)
            files[name] = _checked(partial / name, remote[name], hub.endpoint)
    snapshot = Snapshot(hub.endpoint, repository, exact, files)
    _finish(partial, destination, snapshot)
    return snapshot


def adopt(folder: Path, destination: Path, progress: Progress) -> Snapshot:
    """Take a checkpoint that somebody brought in `folder`, and return what is there then.

    Files are linked where the file system can and copied elsewhere; `folder` is not changed. A
    folder that `pull` made is checked file by file against the hashes it came with; another one as
    far as its own headers tell: every tensor of its configuration must be there in full. Raises
    ModelFilesError naming the file at fault.
    """
    try:
        return _adopt(folder, destination, progress)
    except OSError as error:
        raise ModelFilesError(
            f"{folder} cannot be taken to {destination}: {error.strerror}."
        ) from None


def _adopt(folder: Path, destination: Path, progress: Progress) -> Snapshot:
    _present(destination)
    origin = read_snapshot(folder)
    if origin is None:
        names = _names_of_checkpoint(folder)
        origin = Snapshot(str(folder.absolute()), "", "", {})
    else:
        names = tuple(origin.files)
    partial = _partial(destination)
    _clear_of_others(partial, names)
    total = sum((folder / name).stat().st_size for name in names)
    files = {}
    with _watching(partial, total, progress):
        for name in names:
            _link_or_copy(folder / name, partial / name)
            path = partial / name
            files[name] = StoredFile(path.stat().st_size, sha256_of(path))
            if origin.files and files[name] != origin.files[name]:
                path.unlink()
                raise ModelFilesError(
                    f"{folder / name} is damaged: its hash is not the one in its {MARKER_FILE}."
                )
    snapshot = Snapshot(origin.source, origin.repository, origin.revision, files)
    _finish(partial, destination, snapshot)
    return snapshot


def _present(destination: Path) -> Snapshot | None:
    """What is at `destination`. Raises ModelFilesError when that is not ours to replace."""
    if not destination.exists():
        return None
    try:
        present = read_snapshot(destination)
    except ModelFilesError:
        return None  # ours, but damaged since: fetch it anew
    if present is None:
        raise ModelFilesError(
            f"{destination} exists and was not made by this command; move it away first."
        )
    return present


def _is_same(present: Snapshot, directory: Path, remote: Mapping[str, RemoteFile]) -> bool:
    """Whether `directory` holds exactly what the hub lists; a branch's name alone does not tell."""
    return present.files.keys() == remote.keys() and all(
        present.files[name] == StoredFile(file.size, file.sha256)
        if file.sha256 is not None
        else _is_whole(directory / name, file)
        for name, file in remote.items()
    )


def _partial(destination: Path) -> Path:
    partial = destination.with_name(f"{destination.name}.partial")
    partial.mkdir(parents=True, exist_ok=True)
    return partial


def _clear_of_others(partial: Path, names: tuple[str, ...]) -> None:
    """Remove what an earlier try for another revision left in `partial`."""
    for path in partial.iterdir():
        if path.is_file() and not any(
            path.name == name or (path.name.startswith(f"{name}.") and path.suffix == ".incomplete")
            for name in names
        ):
            path.unlink()


def _checked(path: Path, remote: RemoteFile, endpoint: str) -> StoredFile:
    """Compare a fetched file with its listing; remove it and raise HubError if they differ."""
    if remote.sha256 is None and remote.git_sha1 is None:
        path.unlink()
        raise HubError(f"{endpoint} lists no hash for {remote.name}, so it cannot be checked.")
    if not _is_whole(path, remote):
        path.unlink()
        raise HubError(
            f"{remote.name} from {endpoint} is damaged: its hash is not the one listed there. It "
            "was removed; run the command again to fetch it anew."
        )
    return StoredFile(remote.size, remote.sha256 or sha256_of(path))


def _is_whole(path: Path, remote: RemoteFile) -> bool:
    if not path.is_file() or path.stat().st_size != remote.size:
        return False
    if remote.sha256 is not None:
        return sha256_of(path) == remote.sha256.lower()
    return _git_sha1(path) == remote.git_sha1


def _git_sha1(path: Path) -> str:
    # Hugging Face lists this alone for files outside its large-file store: small texts. It is a
    # check against accidents; SHA-1 is what Git gives.
    content = path.read_bytes()
    header = b"blob %d\0" % len(content)
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()


def _names_of_checkpoint(folder: Path) -> tuple[str, ...]:
    """The files of a checkpoint that brings no list, after a look at all their headers."""
    if not folder.is_dir():
        raise ModelFilesError(f"{folder} is not a directory.")
    checkpoint = Checkpoint.open(folder)
    checkpoint.verify(load_config(folder))
    missing = [name for name in REQUIRED_FILES if not (folder / name).is_file()]
    if missing:
        raise ModelFilesError(f"{folder / missing[0]} is missing.")
    texts = [n for n in (*REQUIRED_FILES, *OPTIONAL_FILES) if (folder / n).is_file()]
    weights = [file.name for file in checkpoint.files]
    return tuple(dict.fromkeys((*texts, checkpoint.entry.name, *weights)))


def _link_or_copy(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    try:
        os.link(source.resolve(), target)
    except OSError:  # another file system, or one without links
        unfinished = target.with_name(f"{target.name}.incomplete")
        shutil.copyfile(source, unfinished)
        unfinished.replace(target)


def _finish(partial: Path, destination: Path, snapshot: Snapshot) -> None:
    snapshot.write(partial)
    for path in partial.iterdir():
        if path.name not in snapshot.files and path.name != MARKER_FILE:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    if destination.exists():
        old = destination.with_name(f"{destination.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        destination.rename(old)
        partial.rename(destination)
        shutil.rmtree(old, ignore_errors=True)
    else:
        partial.rename(destination)


@contextmanager
def _watching(directory: Path, total: int, progress: Progress) -> Iterator[None]:
    """Report the growth of `directory` while the block runs.

    Looked at from outside, because the two libraries report in two ways, which change with their
    versions.
    """
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_POLL_SECONDS):
            progress(min(_bytes_in(directory), total), total)

    watcher = threading.Thread(target=watch, name="pull progress", daemon=True)
    watcher.start()
    try:
        yield
        progress(total, total)
    finally:
        done.set()
        watcher.join()


def _bytes_in(directory: Path) -> int:
    size = 0
    for path in directory.iterdir():
        with suppress(FileNotFoundError):  # renamed or removed while we look
            size += path.stat().st_size
    return size
