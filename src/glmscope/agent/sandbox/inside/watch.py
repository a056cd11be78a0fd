"""What the processes of the sandbox use together: no single process's limit bounds that."""

from __future__ import annotations

import os
from pathlib import Path

from .wire import DATA_DIRECTORY, Message

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_WRITABLE = (DATA_DIRECTORY, "/tmp", "/dev/shm")  # noqa: S108 (the sandbox's own)
_PROC = Path("/proc")
# Of what `_fields` gives: state; utime to cstime; starttime.
_STATE, _TIMES, _BEGAN = 0, slice(11, 15), 19


class Watch:
    """Measures one cell against the limits."""

    def __init__(self, limits: Message) -> None:
        self._limits = limits
        self._cpu_before = cpu_seconds()
        # A cell that finds too many files already may still run, to delete some.
        self._files = max(limits["files"], files())
        self._tasks = tasks()

    @property
    def cpu(self) -> float:
        """Processor time since the cell began, of all processes, in seconds."""
        return cpu_seconds() - self._cpu_before

    def left(self) -> bool:
        """Whether anything runs that the cell has started, be it a process or a thread."""
        return bool(tasks() - self._tasks)

    def excess(self) -> str | None:
        """The limit that is passed, as the name of an ending, or None."""
        if resident_bytes() > self._limits["memory"] and used_bytes() > self._limits["memory"]:
            return "memory"
        if files() > self._files:
            return "files"
        if self.cpu > self._limits["cpu_seconds"]:
            return "cpu_time"
        return None


def _processes() -> list[Path]:
    return [path for path in _PROC.iterdir() if path.name.isdigit()]


def tasks() -> set[tuple[str, str]]:
    """Every thread of every process but process 1: its id and, as ids come back, when it began.

    Not those that have ended and that nobody has waited for.
    """
    found = set()
    for process in _processes():
        if process.name == "1":
            continue
        for task in _threads(process):
            fields = _fields(task)
            if fields and fields[_STATE] not in ("Z", "X"):
                found.add((task.name, fields[_BEGAN]))
    return found


def _threads(process: Path) -> list[Path]:
    try:
        return list((process / "task").iterdir())
    except OSError:  # it has ended
        return []


def _fields(task: Path) -> list[str]:
    """proc_pid_stat(5) from the third field on; empty where it has ended."""
    # The name, in parentheses, may hold spaces and parentheses of its own.
    return _read(task / "stat").rpartition(")")[2].split()


def _read(path: Path) -> str:
    """A file of a process that may end, or hide, at any time: then nothing."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def cpu_seconds() -> float:
    """Processor time of all processes and of the children that they have waited for."""
    ticks = 0
    for process in _processes():
        ticks += sum(map(int, _fields(process)[_TIMES]))
    return ticks / _TICKS


def resident_bytes() -> int:
    """An upper bound of the memory in use: pages that processes share count for each of them."""
    return _PAGE * sum(int((_read(p / "statm").split() or "00")[1]) for p in _processes())


def used_bytes() -> int:
    """The memory in use, shared pages counted once; slower."""
    return sum(map(_proportional_bytes, _processes()))


def _proportional_bytes(process: Path) -> int:
    for line in _read(process / "smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    # Not to be read, as process 1 is not: count all of it.
    return _PAGE * int((_read(process / "statm").split() or "00")[1])


def files() -> int:
    """Files, directories and links in everything that can be written to."""
    counts = [os.statvfs(path) for path in _WRITABLE]
    return sum(count.f_files - count.f_ffree for count in counts)
