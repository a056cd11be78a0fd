"""Where a sandbox is not tight, there is none."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil
import pytest

import glmscope
from glmscope.agent.sandbox import Sandbox, SandboxPool, probe, process, trial
from glmscope.errors import SandboxUnavailable

needs_bubblewrap = pytest.mark.skipif(
    shutil.which("bwrap") is None, reason="a sandbox needs bubblewrap (apt-get install bubblewrap)"
)
SOURCE = Path(glmscope.__file__).parent
TIGHT: dict[str, Any] = {
    "root": False,
    "capabilities": 0,
    "no_new_privileges": True,
    "filter": True,
    "namespaces": {"net": "net:[1]", "pid": "pid:[2]"},
    "interfaces": ["lo"],
    "sockets": False,
    "processes": 2,
    "host_files": [],
    "writable": [],
    "uncounted": [],
    "started": 6,
    "supervisor_hidden": True,
}


@needs_bubblewrap
async def test_a_sandbox_here_is_tight() -> None:
    await probe()


def test_no_hole_where_all_is_as_it_should_be() -> None:
    assert list(trial._holes(TIGHT)) == []


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("root", True),
        ("capabilities", 1),
        ("no_new_privileges", False),
        ("filter", False),
        ("namespaces", {"net": str(Path("/proc/self/ns/net").readlink())}),
        ("namespaces", {"pid": str(Path("/proc/self/ns/pid").readlink())}),
        ("interfaces", ["eth0", "lo"]),
        ("sockets", True),
        ("processes", 3),
        ("host_files", ["/etc/passwd"]),
        ("writable", ["/"]),
        ("uncounted", ["/tmp"]),
        ("started", 8),
        ("supervisor_hidden", False),
    ],
)
def test_every_hole_is_seen(fact: str, value: object) -> None:
    assert len(list(trial._holes({**TIGHT, fact: value}))) == 1


async def test_without_bubblewrap_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    for attempt in (probe(), SandboxPool(packages=()).of("a"), Sandbox.open()):
        with pytest.raises(SandboxUnavailable, match="apt-get install bubblewrap"):
            await attempt


async def test_on_an_unknown_processor_it_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "find_bubblewrap", lambda: "/bin/true")
    monkeypatch.setattr(process.platform, "machine", lambda: "riscv64")
    with pytest.raises(SandboxUnavailable, match="riscv64"):
        await probe()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'bwrap: No permissions to create new namespace' >&2; exit 1", "No permissions"),
        ("exit 0", "it says nothing"),
        ('echo \'{"event": "what"}\'; cat', "it says nothing"),
        ("head -c 6000000 /dev/zero; cat", "it says nothing"),
    ],
)
async def test_a_bubblewrap_that_cannot(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, words: str
) -> None:
    program = tmp_path / "bwrap"
    program.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxUnavailable, match=words) as refusal:
        await probe()
    assert "docs/operating.md" in refusal.value.message


@needs_bubblewrap
async def test_a_bubblewrap_that_leaves_something_out_is_found_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As an older one might, or a stand-in: it makes no network namespace."""
    program = tmp_path / "bwrap"
    real = shutil.which("bwrap")
    program.write_text(
        "#!/bin/bash\nargs=()\n"
        'for a in "$@"; do [ "$a" = --unshare-net ] || args+=("$a"); done\n'
        f'exec {real} "${{args[@]}}"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(SandboxUnavailable, match=r"not tight on this machine: .*net"):
        await probe()


PROBE = "import asyncio; from glmscope.agent.sandbox.trial import probe; asyncio.run(probe())"


@needs_bubblewrap
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_it_is_tight_for_a_user_who_is_not_root() -> None:
    python = next((p for p in ("/usr/bin/python3", sys.executable) if _may_run(p)), None)
    if python is None:
        pytest.skip("no Python 3.10 or later that other users may run")
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        shutil.copytree(SOURCE, f"{directory}/glmscope", ignore=shutil.ignore_patterns("nano"))
        environment = {"PYTHONPATH": directory, "PATH": os.environ["PATH"]}
        command = [python, "-B", "-c", PROBE]
        result = subprocess.run(
            command,
            env=environment,
            cwd="/",
            user=61_500,
            group=61_500,
            extra_groups=[],
            capture_output=True,
            text=True,
        )
    assert (result.returncode, result.stderr) == (0, "")


def _may_run(python: str) -> bool:
    check = "import sys; sys.exit(sys.version_info < (3, 10))"
    try:
        return not subprocess.run(
            [python, "-I", "-c", check], user=61_500, group=61_500, extra_groups=[]
        ).returncode
    except OSError:
        return False


SERVER = """
import asyncio, json, psutil
from glmscope.agent.sandbox import Sandbox
async def main():
    sandbox = await Sandbox.open()
    asyncio.ensure_future(sandbox.run("import os\\nos.fork()\\nwhile True: pass"))
    await asyncio.sleep(0.5)
    inner = psutil.Process(sandbox.pid).children(recursive=True)
    print(json.dumps([process.pid for process in inner]), flush=True)
    await asyncio.sleep(1000)
asyncio.run(main())
"""


@needs_bubblewrap
def test_sandboxes_end_with_a_server_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        inner = [psutil.Process(pid) for pid in json.loads(server.stdout.readline())]
        server.send_signal(signal.SIGKILL)
    assert len(inner) >= 2
    assert psutil.wait_procs(inner, timeout=30)[1] == []
