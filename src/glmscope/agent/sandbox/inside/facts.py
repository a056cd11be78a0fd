"""What a cell can see and do, for the trial that decides whether this machine can isolate."""

from __future__ import annotations

import json
import os
import signal
import socket
from contextlib import suppress
from pathlib import Path

_FORBIDDEN = ("/etc/passwd", "/etc/shadow", "/home", "/root", "/sys", "/run", "/var", "/boot")
_NAMESPACES = ("net", "pid", "mnt", "ipc", "uts", "user")
_BOUNDED = ("/mnt/data", "/tmp", "/dev/shm")  # noqa: S108 (the sandbox's own)


def show() -> None:
    """Print the facts as one JSON object."""
    status = _status()
    print(
        json.dumps(
            {
                "root": 0 in (*os.getresuid(), *os.getresgid()),
                "capabilities": int(status["CapEff"], 16) | int(status["CapPrm"], 16),
                "no_new_privileges": status["NoNewPrivs"] == "1",
                "filter": status["Seccomp"] == "2",
                "namespaces": {n: str(Path("/proc/self/ns", n).readlink()) for n in _NAMESPACES},
                "interfaces": _interfaces(),
                "sockets": _can_open_sockets(),
                "processes": len([path for path in Path("/proc").iterdir() if path.name.isdigit()]),
                "host_files": [path for path in _FORBIDDEN if os.path.lexists(path)],
                "writable": _writable(),
                "uncounted": [path for path in _BOUNDED if not os.statvfs(path).f_files],
                "started": _started(64),
                "supervisor_hidden": not os.access("/proc/1/fd", os.R_OK),
            }
        )
    )


def _status() -> dict[str, str]:
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _interfaces() -> list[str]:
    lines = Path("/proc/net/dev").read_text(encoding="ascii").splitlines()[2:]
    return sorted(line.partition(":")[0].strip() for line in lines)


def _can_open_sockets() -> bool:
    try:
        socket.socket(socket.AF_INET).close()
    except OSError:
        return False
    return True


def _writable() -> list[str]:
    """Directories of any mount that can be written to, but for those that are meant to be."""
    lines = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="surrogateescape")
    mounts = {line.split()[1] for line in lines.splitlines()} - {*_BOUNDED, "/proc"}
    return sorted(path for path in mounts if Path(path).is_dir() and os.access(path, os.W_OK))


def _started(wanted: int) -> int:
    """How many processes can be started at once, `wanted` at most."""
    children = []
    with suppress(OSError):
        for _ in range(wanted):
            child = os.fork()
            if child == 0:
                signal.pause()
            children.append(child)
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return len(children)
