"""A sandbox of small limits, and a host beside it that must come out unharmed."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from glmscope.agent.sandbox import Ending, Sandbox, SandboxLimits
from glmscope.agent.sandbox.process import SandboxProcess

MIB = 2**20
SMALL = SandboxLimits(
    wall_seconds=60.0,
    cpu_seconds=30.0,
    interrupt_seconds=1.0,
    memory=256 * MIB,
    disk=8 * MIB,
    scratch=4 * MIB,
    files=200,
    processes=16,
    text_bytes=20_000,
)
SECRET = "the host's own words"
# Printed instead of a result: the name of the error that an action met.
PRELUDE = """
import ctypes, errno, os, signal, socket, sys
def attempt(action):
    try:
        return action()
    except BaseException as error:
        return errno.errorcode.get(getattr(error, "errno", None), type(error).__name__)
def call(name, *arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) == -1:
        raise OSError(ctypes.get_errno(), name)
    return "it worked"
"""

Opener = Callable[..., Awaitable[Sandbox]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if shutil.which("bwrap") is None or platform.system() != "Linux":
        reason = "a sandbox needs Linux and bubblewrap (apt-get install bubblewrap)"
        for item in items:
            if Path(__file__).parent in item.path.parents and "opener" in item.fixturenames:
                item.add_marker(pytest.mark.skip(reason=reason))


@dataclass(frozen=True)
class Host:
    """Things outside that a cell would like to get at."""

    file: Path
    process: subprocess.Popen[bytes]
    port: int
    socket_path: Path
    abstract: str
    listeners: tuple[socket.socket, ...]

    def check(self) -> None:
        assert self.file.read_text() == SECRET
        assert self.process.poll() is None
        for listener in self.listeners:
            with pytest.raises(BlockingIOError):
                listener.recvfrom(1) if listener.type == socket.SOCK_DGRAM else listener.accept()


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[SandboxProcess]]:
    """The processes of all sandboxes of a test; each has to be waited for when it ends."""
    processes: list[SandboxProcess] = []
    start = SandboxProcess.start

    async def noted_start(limits: SandboxLimits, packages: Mapping[str, Path]) -> SandboxProcess:
        processes.append(await start(limits, packages))
        return processes[-1]

    monkeypatch.setattr(SandboxProcess, "start", noted_start)
    yield processes
    assert [process.pid for process in processes if process.exit_status is None] == []


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    monkeypatch.setenv("GLMSCOPE_SECRET", SECRET)
    file = tmp_path / "secret.txt"
    file.write_text(SECRET)
    abstract = f"\0glmscope-{os.getpid()}"
    listeners = (
        socket.create_server(("127.0.0.1", 0)),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM),
    )
    listeners[1].bind(str(tmp_path / "socket"))
    listeners[2].bind(abstract)
    for listener in listeners:
        listener.setblocking(False)
    process = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    try:
        port = listeners[0].getsockname()[1]
        yield Host(file, process, port, tmp_path / "socket", abstract, listeners)
    finally:
        process.kill()
        process.wait()
        for listener in listeners:
            listener.close()


@pytest.fixture
async def opener(host: Host) -> AsyncIterator[Opener]:
    """Opens sandboxes; closes them in the end, and looks whether the host is as it was."""
    opened: list[Sandbox] = []

    async def open_sandbox(limits: SandboxLimits = SMALL, **options: object) -> Sandbox:
        sandbox = await Sandbox.open(limits, **options)
        opened.append(sandbox)
        return sandbox

    async with AsyncExitStack() as stack:
        yield open_sandbox
        for sandbox in opened:
            stack.push_async_callback(sandbox.close)
        inner = [process for sandbox in opened for process in processes_of(sandbox)]
    assert [p for p in psutil.wait_procs(inner, timeout=20)[1] if p.is_running()] == []
    host.check()


@pytest.fixture
async def sandbox(opener: Opener) -> Sandbox:
    return await opener()


def processes_of(sandbox: Sandbox) -> list[psutil.Process]:
    """Process 1 of a sandbox and all others in it; none where it has gone."""
    try:
        return psutil.Process(sandbox.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


async def shown(sandbox: Sandbox, code: str) -> str:
    """What a cell shows that runs to its end."""
    result = await sandbox.run(PRELUDE + code)
    assert result.ending is Ending.DONE, (result.ending, result.text())
    return result.text().rstrip("\n")
