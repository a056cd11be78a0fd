"""The two hubs that publish the models, each through its own library.

Both libraries are told to send no telemetry, draw no bars and keep their files in `cache`.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from glmscope import __version__
from glmscope.errors import HubError, UsageError

MODELSCOPE = "modelscope"
HUGGINGFACE = "huggingface"

_ENVIRONMENT = {
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    # Xet fetches from its own addresses, whatever the endpoint, and cannot be resumed.
    "HF_HUB_DISABLE_XET": "1",
    # Asks the hub and a metadata address which cloud region this machine is in.
    "MODELSCOPE_DOWNLOAD_INTRA_CLOUD": "false",
    # Seconds a file: the default of an hour is too short for 2 GB over a slow line.
    "MODELSCOPE_DOWNLOAD_TOTAL_TIMEOUT": "86400",
    "MODELSCOPE_REPO_TREE_PAGE_MAX_ATTEMPTS": "2",
    "TQDM_DISABLE": "1",
}


@dataclass(frozen=True)
class RemoteFile:
    """A file as a hub lists it. `sha256` or `git_sha1` says what its content must hash to.

    `git_sha1` is Git's name for a blob: SHA-1 of `blob SIZE NUL CONTENT`.
    """

    name: str
    size: int
    sha256: str | None
    git_sha1: str | None


class Hub(Protocol):
    """What `pull` needs of a hub. Every method raises HubError with one sentence."""

    endpoint: str

    def list_files(self, repository: str, revision: str) -> tuple[str, list[RemoteFile]]:
        """The exact revision that `revision` stands for now, and all its files."""
        ...

    def fetch(self, repository: str, revision: str, file: RemoteFile, directory: Path) -> None:
        """Fetch `file` into `directory`, going on where an earlier try there was cut off.

        Until it is whole it bears another name, which ends in `.incomplete`.
        """
        ...


def open_hub(name: str, endpoint: str | None, cache: Path) -> Hub:
    """The hub called `name` (`modelscope` or `huggingface`), at its own address or `endpoint`.

    Raises UsageError for another name or an endpoint that is no http(s) address, HubError when the
    libraries are not installed.
    """
    if name not in (MODELSCOPE, HUGGINGFACE):
        raise UsageError(f"There is no hub called {name!r}: use {MODELSCOPE} or {HUGGINGFACE}.")
    if endpoint is not None:
        _check_endpoint(endpoint)
    for variable, value in _ENVIRONMENT.items():
        os.environ.setdefault(variable, value)
    try:
        if name == MODELSCOPE:
            return ModelScopeHub(endpoint, cache / MODELSCOPE)
        os.environ.setdefault("HF_HOME", str(cache / HUGGINGFACE))
        return HuggingFaceHub(endpoint)
    except ModuleNotFoundError as error:
        raise HubError(
            f"Downloading needs the package {error.name}, which is not installed; "
            "run: pip install 'glmscope[hub]'"
        ) from None


class ModelScopeHub:
    """ModelScope by `modelscope_hub`, the library beneath `modelscope`; a token, which published
    models do not need, comes from MODELSCOPE_API_TOKEN."""

    def __init__(self, endpoint: str | None, cache: Path) -> None:
        from modelscope_hub import HubApi
        from modelscope_hub.config import HubConfig

        logging.getLogger("modelscope_hub").setLevel(logging.CRITICAL)
        config = HubConfig(endpoint=endpoint, cache_dir=cache, config_dir=cache)
        _write_anonymous_session(config.credentials_dir)
        self.endpoint = str(config.endpoint)
        self._api = HubApi(config)

    def list_files(self, repository: str, revision: str) -> tuple[str, list[RemoteFile]]:
        """See Hub. ModelScope names no commit for a listing: the revision stays as it is."""
        with _one_sentence(self.endpoint, repository, revision):
            listing = self._api.list_repo_files(repository, "model", revision=revision)
        files = [
            RemoteFile(file.path, file.size or 0, file.sha256, None)
            for file in listing
            if file.type != "tree"
        ]
        return revision, files

    def fetch(self, repository: str, revision: str, file: RemoteFile, directory: Path) -> None:
        """See Hub."""
        with _one_sentence(self.endpoint, repository, revision, file.name):
            self._api.download_file(
                repository,
                "model",
                file.name,
                revision=revision,
                local_dir=directory,
                file_size=file.size,
            )


class HuggingFaceHub:
    """Hugging Face by `huggingface_hub`; a token, which published models do not need, comes from
    HF_TOKEN."""

    def __init__(self, endpoint: str | None) -> None:
        from huggingface_hub import HfApi

        logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL)
        self._api = HfApi(endpoint=endpoint, library_name="glmscope", library_version=__version__)
        self.endpoint = self._api.endpoint

    def list_files(self, repository: str, revision: str) -> tuple[str, list[RemoteFile]]:
        """See Hub."""
        with _one_sentence(self.endpoint, repository, revision):
            info = self._api.model_info(repository, revision=revision, files_metadata=True)
        files = [
            RemoteFile(
                file.rfilename, file.size or 0, file.lfs.sha256 if file.lfs else None, file.blob_id
            )
            for file in info.siblings or []
        ]
        return info.sha or revision, files

    def fetch(self, repository: str, revision: str, file: RemoteFile, directory: Path) -> None:
        """See Hub.

        Not by `hf_hub_download`: since its release 1.0 that throws away what it has when it is cut
        off. `http_get`, on which it is built, can begin anywhere.
        """
        from huggingface_hub import get_token, hf_hub_url
        from huggingface_hub.file_download import http_get

        # The hash is in the name, so that what is left of another revision is never added to.
        content = file.sha256 or file.git_sha1 or revision
        incomplete = directory / f"{file.name}.{content[:16]}.incomplete"
        url = hf_hub_url(repository, file.name, revision=revision, endpoint=self.endpoint)
        # Bytes of a compressed answer could not be counted, nor asked for by range.
        headers = {"Accept-Encoding": "identity", "User-Agent": f"glmscope/{__version__}"}
        if token := get_token():
            headers["Authorization"] = f"Bearer {token}"
        with (
            _one_sentence(self.endpoint, repository, revision, file.name),
            incomplete.open("ab", buffering=0) as target,
        ):
            if target.tell() > file.size:
                target.truncate(0)
            http_get(
                url, target, resume_size=target.tell(), headers=headers, expected_size=file.size
            )
        incomplete.replace(directory / file.name)


@contextmanager
def _one_sentence(
    endpoint: str, repository: str, revision: str, file: str | None = None
) -> Iterator[None]:
    """Turn whatever a library raises into a HubError.

    Never with the library's own words: they may hold signed addresses, and run over many lines.
    """
    what = f"{repository} at revision {revision}" if file is None else f"{file} of {repository}"
    try:
        yield
    except Exception as error:
        response = getattr(error, "response", None)
        status = getattr(error, "status_code", None) or getattr(response, "status_code", None)
        if status == 404:
            raise HubError(f"{endpoint} does not have {what}.") from None
        if status in (401, 403):
            raise HubError(
                f"{endpoint} does not give {what} to everybody: it may not exist, or need a token "
                "in MODELSCOPE_API_TOKEN or HF_TOKEN."
            ) from None
        if status is not None:
            raise HubError(f"{endpoint} answered {status} when asked for {what}.") from None
        if isinstance(error, OSError) and (error.filename or error.errno == errno.ENOSPC):
            raise HubError(f"{what} cannot be written: {error.strerror}.") from None
        advice = "check the address and the network" if file is None else "run it again to go on"
        raise HubError(
            f"{endpoint} could not be reached for {what} ({type(error).__name__}); {advice}."
        ) from None


def _check_endpoint(endpoint: str) -> None:
    try:
        parts = urlsplit(endpoint)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname)
        named = parts.username is not None
    except ValueError:
        valid = named = False
    if not valid or named:
        raise UsageError("The endpoint must be an address like https://HOST, without a user name.")


def _write_anonymous_session(directory: Path) -> None:
    """Give the library the same made-up installation number everywhere.

    It would invent one, keep it, and send it with every request.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    session = directory / "session"
    with contextlib.suppress(FileExistsError), session.open("x", encoding="ascii") as file:
        file.write("0" * 32)
