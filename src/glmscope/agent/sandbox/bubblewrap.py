"""The command that makes a sandbox: namespaces, mounts, and nothing of the server's environment.

Inside there are the libraries of the system, the Python that runs the server, the packages that
cells may import, fonts and time zones, all read-only; and /mnt/data, /tmp and /dev/shm, in memory
and bounded. There is no shell.

Started by root, the sandbox becomes a user of no rights, `uid`, rather than a root of its own
namespace: limits on processes do not hold for root, and root's files would be its own.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path, PurePosixPath

from glmscope.agent.sandbox.inside import wire
from glmscope.agent.sandbox.limits import SandboxLimits

Step = tuple[str, ...]  # options of one mount; the last word is the place where it lies inside

_PYTHON = Path("/opt/python")
_SYSTEM = Path("/usr")
_BOOT = (
    f"import sys; sys.path.append({wire.MODULE_DIRECTORY!r}); "
    "from inside.supervisor import main; main()"
)
_INSIDE = Path(__file__).with_name("inside")
_LIBRARIES = ("/usr/lib", "/usr/lib64", "/usr/lib32", "/lib", "/lib64")
_DATA = ("/usr/share/fonts", "/usr/local/share/fonts", "/usr/share/zoneinfo", "/etc/ld.so.cache")
# What /proc tells of the machine that is nobody's business, as far as ordinary users may read it.
_HIDDEN = (
    *("acpi", "cmdline", "config.gz", "diskstats", "driver", "fs", "interrupts", "kallsyms"),
    *("kcore", "key-users", "keys", "latency_stats", "modules", "partitions", "sched_debug"),
    *("scsi", "swaps", "timer_list", "timer_stats"),
)


def find_bubblewrap() -> str | None:
    """Path of the program, or None where it is not installed."""
    return shutil.which("bwrap")


def sandbox_command(
    bwrap: str,
    limits: SandboxLimits,
    packages: Mapping[str, Path],
    *,
    uid: int | None,
    filter_handle: int,
    info_handle: int,
) -> list[str]:
    """Program and arguments.

    `filter_handle`, `info_handle`: descriptors from which bwrap reads the BPF program, and to which
    it writes the process id of the sandbox's process 1.
    """
    steps = [*_system(), *_python(), *_packages(packages), *_writable(limits)]
    return [
        bwrap,
        *_namespaces(uid),
        *chain.from_iterable(_directories(steps)),
        *chain.from_iterable(steps),
        *("--remount-ro", "/dev", "--remount-ro", "/"),
        *("--setenv", "LD_LIBRARY_PATH", str(_prefix() / "lib")),
        *("--seccomp", str(filter_handle), "--info-fd", str(info_handle)),
        *("--chdir", "/"),
        *("--", *_interpreter(), "-c", _BOOT),
    ]


def _namespaces(uid: int | None) -> Iterator[str]:
    yield from ("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts")
    yield from ("--unshare-cgroup-try", "--hostname", "sandbox")
    yield from ("--as-pid-1", "--die-with-parent", "--new-session", "--clearenv")
    yield from ("--cap-drop", "ALL")
    if uid is None:
        yield from ("--unshare-user", "--uid", "1000", "--gid", "1000")
    else:  # for the moment until the supervisor has become `uid`
        yield from ("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID")


def _directories(steps: list[Step]) -> Iterator[Step]:
    """Those on the way to what is mounted: bwrap would open them to their owner alone."""
    parents = {parent for step in steps for parent in PurePosixPath(step[-1]).parents}
    for directory in sorted(parents - {PurePosixPath("/")}):
        if directory.parts[1] not in ("dev", "proc", "lib", "lib64"):
            yield ("--perms", "0755", "--dir", str(directory))


def _system() -> Iterator[Step]:
    for name in _LIBRARIES:
        path = Path(name)
        if path.is_symlink():
            yield ("--symlink", os.readlink(path), name)  # noqa: PTH115 (as it is written)
        elif path.is_dir():
            yield ("--ro-bind", name, name)
    for name in _DATA:
        yield ("--ro-bind-try", name, name)
    yield ("--proc", "/proc")
    yield ("--dev", "/dev")
    yield from _emptied("/dev/pts")  # nobody needs terminals
    for name in _HIDDEN:
        path = Path("/proc", name)
        if path.is_dir():
            yield from _emptied(str(path))
        elif path.exists():
            yield ("--ro-bind", "/dev/null", str(path))


def _emptied(directory: str) -> Iterator[Step]:
    yield ("--tmpfs", directory)
    yield ("--remount-ro", directory)


def _interpreter() -> tuple[str, ...]:
    return (str(_prefix() / "bin" / _executable().name), "-I", "-S", "-B", "-X", "utf8")


def _executable() -> Path:
    """The interpreter itself, not the link to it that a virtual environment has."""
    return Path(getattr(sys, "_base_executable", sys.executable)).resolve()


def _prefix() -> Path:
    """Where the interpreter's directory lies inside: it finds its library beside itself."""
    return _SYSTEM if Path(sys.base_prefix) == _SYSTEM else _PYTHON


def _python() -> Iterator[Step]:
    prefix = _prefix()
    yield ("--ro-bind", str(_executable()), str(prefix / "bin" / _executable().name))
    if prefix == _PYTHON:
        for name in ("lib", "lib64"):
            library = Path(sys.base_prefix, name)
            if library.is_dir() and not library.is_symlink():
                yield ("--ro-bind", str(library), str(prefix / name))
    yield ("--ro-bind", str(_INSIDE), f"{wire.MODULE_DIRECTORY}/inside")


def _packages(packages: Mapping[str, Path]) -> Iterator[Step]:
    for name, path in packages.items():
        yield ("--ro-bind", str(path), f"{wire.PACKAGE_DIRECTORY}/{name}")


def _writable(limits: SandboxLimits) -> Iterator[Step]:
    for path, size in (
        (wire.DATA_DIRECTORY, limits.disk),
        ("/tmp", limits.scratch),  # noqa: S108 (the sandbox's own)
        ("/dev/shm", limits.scratch),  # noqa: S108
    ):
        yield ("--perms", "1777", "--size", str(size), "--tmpfs", path)
