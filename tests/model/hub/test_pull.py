"""Pulling from stand-ins of both hubs: what is fetched, resumed and checked."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock

from glmscope.errors import HubError
from glmscope.model.hub import pull
from glmscope.model.hub_clients import Hub, open_hub
from glmscope.model.snapshot import MARKER_FILE, read_snapshot
from tests.model.hub.support import NEEDED, OWNER, contents, nobody
from tests.support.hub import StandInHub
from tests.support.paths import REPOSITORY

pytest.importorskip("modelscope_hub", reason="the extra glmscope[hub] is not installed")
pytest.importorskip("huggingface_hub", reason="the extra glmscope[hub] is not installed")


def test_only_what_is_needed_is_fetched_and_recorded(
    hub: Hub, served: StandInHub, destination: Path
) -> None:
    seen: list[tuple[int, int]] = []
    snapshot = pull(hub, OWNER, "v1.0.0", destination, lambda *state: seen.append(state))

    published = served.repositories[OWNER, "v1.0.0"]
    assert contents(destination) == {name: published[name] for name in NEEDED}
    for name in NEEDED:
        assert snapshot.files[name].sha256 == hashlib.sha256(published[name]).hexdigest()
    assert (snapshot.source, snapshot.repository) == (served.endpoint, OWNER)
    assert snapshot.revision.endswith("v1.0.0")
    assert read_snapshot(destination) == snapshot
    for name in ("modeling_chatglm.py", "pytorch_model.bin", "README.md"):
        assert served.requests_for(name) == []
    total = sum(len(published[name]) for name in NEEDED)
    assert seen[-1] == (total, total)
    assert [path.name for path in destination.parent.iterdir() if path != destination] == [
        ".chatglm3-6b.lock"
    ]


def test_the_revision_is_honored_and_replaces_another(
    hub: Hub, served: StandInHub, destination: Path
) -> None:
    pull(hub, OWNER, "v1.0.0", destination, nobody)
    pull(hub, OWNER, "v1.0.1", destination, nobody)
    assert (destination / "tokenizer.model").read_bytes() == b"pieces of v1.0.1"
    assert not list(destination.parent.glob("*.old"))


def test_what_is_there_already_is_not_fetched_again(
    hub: Hub, served: StandInHub, destination: Path
) -> None:
    first = pull(hub, OWNER, "v1.0.0", destination, nobody)
    served.requests.clear()
    assert pull(hub, OWNER, "v1.0.0", destination, nobody) == first
    assert len(served.requests) == 1  # the listing


def test_a_branch_that_moved_is_fetched_again(
    hub: Hub, served: StandInHub, destination: Path
) -> None:
    pull(hub, OWNER, "v1.0.0", destination, nobody)
    for name in ("config.json", "tokenizer.model"):  # Git's hash and the large-file store's
        served.repositories[OWNER, "v1.0.0"][name] = b"{ }" + name.encode()
        pull(hub, OWNER, "v1.0.0", destination, nobody)
        assert (destination / name).read_bytes() == b"{ }" + name.encode()


def test_a_connection_cut_mid_file_is_gone_on_from(
    hub: Hub, served: StandInHub, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It asks for 10 MB at a time and loses what it has of the last one; so smaller steps.
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 64 * 1024)
    served.cut_once_after["model.safetensors"] = 6 * 1024 * 1024
    pull(hub, OWNER, "v1.0.0", destination, nobody)
    whole, rest = served.requests_for("model.safetensors")
    size = len(served.repositories[OWNER, "v1.0.0"]["model.safetensors"])
    assert whole.sent == 6 * 1024 * 1024
    assert "Range" not in whole.headers
    begin = int(rest.headers["Range"].removeprefix("bytes=").removesuffix("-"))
    assert 5 * 1024 * 1024 < begin <= 6 * 1024 * 1024
    assert rest.sent == size - begin


PULLER = """
import sys
from pathlib import Path
from glmscope.model.hub import pull
from glmscope.model.hub_clients import open_hub
name, endpoint, cache, repository, destination = sys.argv[1:]
hub = open_hub(name, endpoint, Path(cache))
from huggingface_hub import constants
constants.DOWNLOAD_CHUNK_SIZE = 64 * 1024
pull(hub, repository, "v1.0.0", Path(destination), lambda done, total: None)
"""


def wait_for_bytes(directory: Path, wanted: int, process: subprocess.Popen[bytes]) -> None:
    """Until so much of the weights is there, as long as `process` fetches them."""
    give_up = time.monotonic() + 120  # far more than any machine needs to start it
    while time.monotonic() < give_up and process.poll() is None:
        if any(path.stat().st_size >= wanted for path in directory.glob("model.safetensors.*")):
            return
        time.sleep(0.02)
    there = {path.name: path.stat().st_size for path in directory.glob("*")}
    raise AssertionError(f"the puller's status is {process.poll()}, and there is {there}")


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is a POSIX notion")
def test_a_killed_pull_is_gone_on_from_and_never_looks_complete(
    hub: Hub, hub_name: str, served: StandInHub, destination: Path, tmp_path: Path
) -> None:
    stall = 4 * 1024 * 1024
    served.stall_after["model.safetensors"] = stall
    arguments = [hub_name, served.endpoint, str(tmp_path / "cache"), OWNER, str(destination)]
    partial = destination.with_name("chatglm3-6b.partial")
    with subprocess.Popen([sys.executable, "-c", PULLER, *arguments], cwd=REPOSITORY) as process:
        try:
            wait_for_bytes(partial, stall, process)
        finally:
            process.send_signal(signal.SIGKILL)
    assert not destination.exists()
    assert not (partial / MARKER_FILE).exists()
    assert not (partial / "model.safetensors").exists()

    served.stall_after.clear()
    served.requests.clear()
    pull(hub, OWNER, "v1.0.0", destination, nobody)
    published = served.repositories[OWNER, "v1.0.0"]
    assert contents(destination) == {name: published[name] for name in NEEDED}
    [rest] = served.requests_for("model.safetensors")
    assert rest.headers["Range"] == f"bytes={stall}-"
    assert rest.sent == len(published["model.safetensors"]) - stall
    for name in ("config.json", "tokenizer.model"):
        assert served.requests_for(name) == []


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_damaged_content_is_named_removed_and_mended_by_the_next_try(
    hub: Hub, served: StandInHub, destination: Path, name: str
) -> None:
    served.corrupt.add(name)
    with pytest.raises(HubError) as caught:
        pull(hub, OWNER, "v1.0.0", destination, nobody)
    assert name in caught.value.message
    assert "hash is not the one listed" in caught.value.message
    assert not destination.exists()
    left = [path.name for path in destination.with_name("chatglm3-6b.partial").iterdir()]
    assert name not in left
    assert MARKER_FILE not in left

    served.corrupt.clear()
    pull(hub, OWNER, "v1.0.0", destination, nobody)
    assert (destination / name).read_bytes() == served.repositories[OWNER, "v1.0.0"][name]


def test_two_pulls_of_one_model_do_not_meet(hub: Hub, destination: Path) -> None:
    destination.parent.mkdir(parents=True)
    with (
        FileLock(destination.with_name(".chatglm3-6b.lock")),
        pytest.raises(HubError, match="being fetched by another process"),
    ):
        pull(hub, OWNER, "v1.0.0", destination, nobody)


def test_a_token_reaches_the_hub_and_no_message(
    served: StandInHub,
    hub_name: str,
    destination: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    token = "hub-token-that-nobody-may-see"
    monkeypatch.setenv("HF_TOKEN", token)
    monkeypatch.setenv("MODELSCOPE_API_TOKEN", token)
    hub = open_hub(hub_name, served.endpoint, tmp_path / "cache")
    served.corrupt.add("model.safetensors")
    with pytest.raises(HubError) as caught:
        pull(hub, OWNER, "v1.0.0", destination, nobody)
    assert any(token in str(request.headers) for request in served.requests)
    shown = capfd.readouterr()
    assert token not in caught.value.message + shown.out + shown.err + caplog.text
    assert all(token.encode() not in p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())


WITH_NEW_HOME = """
import sys
from pathlib import Path
from glmscope.model.hub import pull
from glmscope.model.hub_clients import open_hub
name, endpoint, data, repository = sys.argv[1:]
hub = open_hub(name, endpoint, Path(data) / "cache")
pull(hub, repository, "v1.0.0", Path(data) / "models" / "m", lambda done, total: None)
"""


def test_nothing_is_written_or_asked_elsewhere_and_nothing_printed(
    served: StandInHub, hub_name: str, tmp_path: Path
) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    home.mkdir()
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HF_", "MODELSCOPE_", "XDG_", "TQDM_"))
    }
    result = subprocess.run(
        [sys.executable, "-c", WITH_NEW_HOME, hub_name, served.endpoint, str(data), OWNER],
        env={**environment, "HOME": str(home), "USERPROFILE": str(home)},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert result.stdout + result.stderr == ""
    assert list(home.rglob("*")) == []
    assert {path.name for path in data.iterdir()} <= {"cache", "models"}
    assert len(served.requests) == 1 + len(NEEDED)  # a listing and the files: no pings
    sessions = {request.headers.get("User-Agent", "") for request in served.requests}
    assert all("session_id" not in s or f"session_id/{'0' * 32}" in s for s in sessions)
