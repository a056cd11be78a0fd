"""The machine's memory as its files tell it, and control groups of both versions around us."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from glmscope.engine.machine_memory import MachineMemory, machine_memory

GB = 10**9
TOTAL, AVAILABLE = 16_000_000 * 1024, 12_000_000 * 1024
UNLIMITED = MachineMemory(TOTAL, AVAILABLE, "the machine")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A system with 16 GB, 12 of them free, and no control group."""
    put(tmp_path, "proc/meminfo", "MemTotal: 16000000 kB\nMemFree: 1 kB\nMemAvailable: 12000000 kB")
    return tmp_path


def put(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")


def group(root: Path, directory: str, limit: str, used: int, cached: int, *, version: int) -> None:
    names = {
        1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        2: ("memory.max", "memory.current", "inactive_file"),
    }[version]
    put(root, f"{directory}/{names[0]}", limit)
    put(root, f"{directory}/{names[1]}", str(used))
    put(root, f"{directory}/memory.stat", f"anon 5\n{names[2]} {cached}\nactive_file 7")


def test_a_machine_without_control_groups(root: Path) -> None:
    assert machine_memory(root) == UNLIMITED


def test_a_group_of_version_2_and_one_around_it(root: Path) -> None:
    put(root, "proc/self/cgroup", "0::/service/one")
    group(root, "sys/fs/cgroup/service/one", "max", 2 * GB, GB, version=2)
    group(root, "sys/fs/cgroup/service", str(6 * GB), 2 * GB, GB, version=2)
    assert machine_memory(root) == MachineMemory(6 * GB, 5 * GB, "its control group")


def test_a_group_of_version_1_that_only_its_own_namespace_shows(root: Path) -> None:
    put(root, "proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/docker/abc\n0::/")
    top = "sys/fs/cgroup/memory"  # the host's path does not exist inside the container
    group(root, top, str(4 * GB), GB, 0, version=1)
    assert machine_memory(root) == MachineMemory(4 * GB, 3 * GB, "its control group")


@pytest.mark.parametrize("limit", ["9223372036854771712", str(17 * GB), "max"])
def test_a_limit_above_the_machine_is_none(root: Path, limit: str) -> None:
    put(root, "proc/self/cgroup", "0::/\n4:memory:/")
    group(root, "sys/fs/cgroup", limit, GB, 0, version=2)
    group(root, "sys/fs/cgroup/memory", limit, GB, 0, version=1)
    assert machine_memory(root) == UNLIMITED


def test_the_tightest_of_nested_limits_holds(root: Path) -> None:
    put(root, "proc/self/cgroup", "0::/a/b")
    group(root, "sys/fs/cgroup/a/b", str(3 * GB), GB, 0, version=2)
    group(root, "sys/fs/cgroup/a", str(8 * GB), 7 * GB, 0, version=2)
    found = machine_memory(root)
    assert found is not None
    # The outer group has room for less than the inner one.
    assert (found.total, found.available) == (3 * GB, GB)


def test_a_system_that_does_not_tell(tmp_path: Path) -> None:
    assert machine_memory(tmp_path) is None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_this_machine() -> None:
    found = machine_memory()
    assert found is not None
    assert 0 < found.available <= found.total
