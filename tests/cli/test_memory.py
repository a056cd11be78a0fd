"""`--memory` and what becomes of it: sizes as people write them, caches that keep the promise."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from glmscope.bench.memory import Memory
from glmscope.cli import memory
from glmscope.cli.memory import check_promise, need_of, plan_caches
from glmscope.cli.memory_size import parse_memory
from glmscope.cli.options import ModelOptions
from glmscope.cli.wiring import open_models
from glmscope.engine.machine_memory import MachineMemory
from glmscope.engine.memory_plan import LEAST_TOKENS, PROCESS_BYTES, MemoryNeed
from glmscope.engine.openvino import MOST_FULL_SEQUENCES
from glmscope.errors import UsageError
from glmscope.model.convert import convert
from glmscope.model.manifest import Manifest, read_manifest
from tests.cli.support import WAIT, glmscope, serving
from tests.support.checkpoints import write_checkpoint
from tests.support.nano import write_nano
from tests.support.paths import REPOSITORY

GB = 10**9


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Manifest]:
    """Two networks of a megabyte, whose KV caches could take gigabytes."""
    parent = tmp_path_factory.mktemp("memory")
    found = {}
    for name, length in (("short", 2048), ("long", 1_000_000)):
        source = parent / f"{name}-source"
        write_checkpoint(source, kv_channels=256, seq_length=length)
        convert(source, parent / name, weights="int8")
        found[parent / name] = read_manifest(parent / name)
    return found


def only(manifests: dict[Path, Manifest], name: str) -> tuple[dict[Path, Manifest], Path]:
    (path,) = [path for path in manifests if path.name == name]
    return {path: manifests[path]}, path


def cache_bytes(need: MemoryNeed, gigabytes: float | None) -> float:
    assert gigabytes is not None
    return gigabytes * memory.GIB / need.per_token


@pytest.mark.parametrize(
    ("text", "nbytes"),
    [
        ("6GB", 6 * GB),
        ("6GiB", 6 * 2**30),
        ("5.5 gb", 5_500_000_000),
        ("800MB", 800_000_000),
        ("800mib", 800 * 2**20),
        ("1T", 10**12),
        ("64k", 64_000),
    ],
)
def test_sizes(text: str, nbytes: int) -> None:
    assert parse_memory(text) == nbytes


@pytest.mark.parametrize("text", [6, "6", "", "GB", "-6GB", "6 GB of it", "6PB", "1e3GB"])
def test_what_is_no_size(text: str | int) -> None:
    with pytest.raises(UsageError, match="takes a size like 6GB"):
        parse_memory(text)


def test_a_cache_takes_what_the_network_leaves(manifests: dict[Path, Manifest]) -> None:
    one, path = only(manifests, "long")
    options = ModelOptions(memory=2 * GB)
    caches, promise = plan_caches(one, options)
    assert promise is not None
    assert promise.nbytes == 2 * GB
    need = need_of(one[path], options)
    tokens = round(cache_bytes(need, caches[path]))
    assert PROCESS_BYTES + need.at(tokens) <= 2 * GB < PROCESS_BYTES + need.at(tokens + 32)


@pytest.mark.parametrize("names", [("short", "long"), ("long", "short")])
def test_what_one_network_cannot_use_goes_to_the_other(
    manifests: dict[Path, Manifest], names: tuple[str, str]
) -> None:
    manifests = {path: manifests[path] for name in names for path in only(manifests, name)[0]}
    options = ModelOptions(memory=3 * GB)
    caches, _ = plan_caches(manifests, options)
    needs = {path: need_of(manifest, options) for path, manifest in manifests.items()}
    tokens = {path.name: round(cache_bytes(needs[path], caches[path])) for path in manifests}
    assert tokens["short"] == MOST_FULL_SEQUENCES * 2048
    whole = PROCESS_BYTES + sum(needs[path].at(tokens[path.name]) for path in manifests)
    assert 0.99 * 3 * GB < whole <= 3 * GB


def test_each_network_gets_the_least_before_any_gets_more() -> None:
    """Half of what is left would not do for the one whose tokens take the most."""
    wide = MemoryNeed(GB, GB, per_position=100, per_token=1_000_000, positions=2048)
    thin = MemoryNeed(GB, GB, per_position=100, per_token=1000, positions=100_000)
    nbytes = sum(need.at(LEAST_TOKENS) for need in (wide, thin)) + 50_000_000
    for needs in ((wide, thin), (thin, wide)):
        counts = memory._shared_out(needs, nbytes)
        assert counts[needs.index(wide)] >= LEAST_TOKENS
        assert counts[needs.index(thin)] > 10_000
        assert sum(need.at(count) for need, count in zip(needs, counts, strict=True)) <= nbytes


def test_a_network_that_does_not_fit_is_refused(manifests: dict[Path, Manifest]) -> None:
    with pytest.raises(UsageError, match=r"take 0\.\d\d GB, and --memory promises 0\.20 GB"):
        plan_caches(only(manifests, "short")[0], ModelOptions(memory=200_000_000))


def test_a_given_cache_is_taken_as_it_is(manifests: dict[Path, Manifest]) -> None:
    caches, promise = plan_caches(manifests, ModelOptions(cache_gb=0.25))
    assert set(caches.values()) == {0.25}
    assert promise is None
    caches, promise = plan_caches(manifests, ModelOptions(cache_gb=0.25, memory=4 * GB))
    assert set(caches.values()) == {0.25}
    assert promise is not None
    with pytest.raises(UsageError, match="--memory promises"):
        plan_caches(manifests, ModelOptions(cache_gb=0.25, memory=GB))


def test_without_a_word_a_tenth_of_the_machine_is_left(
    manifests: dict[Path, Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = only(manifests, "long")
    machine = MachineMemory(8 * GB, 5 * GB, "its control group")
    monkeypatch.setattr(memory, "machine_memory", lambda: machine)
    _, promise = plan_caches(one, ModelOptions())
    assert promise is not None
    assert promise.nbytes == 5 * GB - 800_000_000
    # Where the tenth is all that there is, it is used.
    machine = MachineMemory(8 * GB, 800_000_000, "the machine")
    _, promise = plan_caches(one, ModelOptions())
    assert promise is not None
    assert promise.nbytes <= 800_000_000
    machine = MachineMemory(8 * GB, 100_000_000, "the machine")
    with pytest.raises(UsageError, match=r"and the machine has free 0\.10 GB"):
        plan_caches(one, ModelOptions())


def test_a_system_that_does_not_tell_gets_the_usual_cache(
    manifests: dict[Path, Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "machine_memory", lambda: None)
    caches, promise = plan_caches(manifests, ModelOptions())
    assert set(caches.values()) == {None}
    assert promise is None


def test_a_runtime_that_took_more_than_reckoned_is_found_out(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = write_nano(tmp_path / "nano")
    options = ModelOptions(models=(str(model),), memory=4 * GB)
    (served, *_) = open_models(options)
    try:
        promise = memory.Promise(4 * GB, "--memory promises")
        monkeypatch.setattr(memory, "memory_now", lambda: Memory(resident=4 * GB))
        with pytest.raises(UsageError, match=r"and --memory promises 4\.00 GB"):
            check_promise(promise, [served.engine], options)  # type: ignore[list-item]
        monkeypatch.setattr(memory, "memory_now", lambda: None)
        check_promise(promise, [served.engine], options)  # type: ignore[list-item]
    finally:
        asyncio.run(served.engine.close())


def test_the_command_says_what_does_not_fit(home: Path, tmp_path: Path) -> None:
    model = write_nano(tmp_path / "nano")
    done = glmscope("serve", "--model", str(model), "--port", "0", "--memory", "100MB")
    assert done.returncode == 2
    assert "and --memory promises 0.10 GB: give more with --memory" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_server_keeps_its_promise_when_it_is_full(home: Path, tmp_path: Path) -> None:
    """More streams than the KV cache holds, in a control group where one can be made."""
    model = write_nano(tmp_path / "nano")
    manifest = read_manifest(model)
    nbytes = PROCESS_BYTES + need_of(manifest, ModelOptions()).at(2048)
    done = subprocess.run(
        [
            *(sys.executable, str(REPOSITORY / "scripts" / "prove_memory.py"), str(model)),
            *("--memory", f"{nbytes // 1000 + 1}k"),
            *("--streams", "16", "--prompt", "900", "--new", "40"),
        ],
        capture_output=True,
        encoding="utf-8",
        timeout=2 * WAIT,
    )
    assert re.search(r"^16 × \(900 \+ 40\), \d{3} tokens made", done.stdout, re.M), done.stderr
    assert "The promise was kept." in done.stdout
    assert done.returncode == 0


def test_what_the_cache_cannot_hold_is_refused_before_any_work(home: Path, tmp_path: Path) -> None:
    """On each wire in its own shape; the network itself has 2048 positions."""
    model = write_nano(tmp_path / "nano")
    nbytes = PROCESS_BYTES + need_of(read_manifest(model), ModelOptions()).at(640)
    promise = ("--memory", f"{nbytes // 1000 + 1}k", "--no-auth", "--model", f"m={model}")
    with serving(*promise, errors=tmp_path / "errors") as server:
        assert any("holds 640 tokens × 1 at once" in line for line in server.lines)
        refusal = refused(
            f"{server.url}/services/aigc/text-generation/generation",
            {"model": "m", "input": {"prompt": "好 " * 700}},
        )
        assert refusal["code"] == "InvalidParameter"
        assert re.fullmatch(r"Range of input length should be \[1, 6\d\d\]", refusal["message"])
        refusal = refused(
            server.url.replace("/api/v1", "/v1/completions"),
            {"model": "m", "prompt": [101] * 700},
        )
        assert refusal["error"]["message"].startswith("Range of input length should be [1, 6")
        assert refusal["error"]["type"] == "invalid_request_error"


def refused(url: str, body: dict[str, Any]) -> dict[str, Any]:
    """The body of a 400."""
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=WAIT)
    with caught.value as answer:
        assert answer.code == 400
        return json.loads(answer.read())
