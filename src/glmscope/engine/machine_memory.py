"""How much memory this machine has, and how much of it a process may take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class MachineMemory:
    """Bytes: what there is in all, and what is free or can be had without swapping."""

    total: int
    available: int
    limit: str
    """What bounds it, for people: the machine, or a control group."""


@dataclass(frozen=True, slots=True)
class _Names:
    """The files of a memory controller's directory."""

    limit: str
    usage: str
    reclaimable: str
    """The field of `memory.stat` that counts cached files which nobody used lately."""


_V1 = _Names("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
_V2 = _Names("memory.max", "memory.current", "inactive_file")


def machine_memory(root: Path = Path("/")) -> MachineMemory | None:
    """The machine's memory, or that of the tightest control group around this process.

    None where the system does not tell (not Linux). `root` is where `proc` and `sys` lie.
    """
    try:
        fields = _fields(root / "proc/meminfo")
        found = MachineMemory(
            1024 * fields["MemTotal:"], 1024 * fields["MemAvailable:"], "the machine"
        )
    except (OSError, KeyError, ValueError):
        return None
    machine = found.total  # "no limit" in version 1 is a number that no machine has
    for directory, names in _control_groups(root):
        try:
            limit = int((directory / names.limit).read_text())
            used = int((directory / names.usage).read_text())
            cached = _fields(directory / "memory.stat").get(names.reclaimable, 0)
        except (OSError, ValueError):  # "max", or a group that this namespace does not show
            continue
        if limit < machine:
            available = min(found.available, max(0, limit - used + cached))
            found = MachineMemory(min(found.total, limit), available, "its control group")
    return found


def _control_groups(root: Path) -> Iterator[tuple[Path, _Names]]:
    """Directories of the memory controller, from this process's group up to the outermost one."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        # 4:memory:/group in version 1, 0::/group in version 2
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            top, names = root / "sys/fs/cgroup", _V2
        elif "memory" in controllers.split(","):
            top, names = root / "sys/fs/cgroup/memory", _V1
        else:
            continue
        group = top / path.lstrip("/")
        while True:
            yield group, names
            if group == top or top not in group.parents:
                break
            group = group.parent


def _fields(path: Path) -> dict[str, int]:
    """Names and numbers of a file with one of each a line."""
    lines = path.read_text().splitlines()
    return {name: int(value) for name, value, *_ in map(str.split, lines)}
