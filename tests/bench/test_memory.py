from __future__ import annotations

from pathlib import Path

import pytest

from glmscope.bench import memory
from glmscope.bench.memory import Memory, PeakMemory, memory_now

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="no /proc/self/status: not Linux"
)
HELD = 64 * 2**20


def test_what_is_held_is_private() -> None:
    before = memory_now()
    held = b"x" * HELD
    after = memory_now()
    assert before
    assert after
    # Some of what was free before may serve for it.
    assert after.private - before.private > len(held) / 2
    assert after.resident == after.private + after.mapped
    assert after.mapped > 0


def test_a_peak_outlives_what_made_it_and_blocks_add_up() -> None:
    watch = PeakMemory()
    with watch:
        held = b"x" * HELD
    assert watch.peak
    seen = watch.peak.private
    assert seen > len(held)
    del held
    with watch:
        pass
    assert watch.peak.private >= seen


def test_where_the_system_does_not_tell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory, "_STATUS", tmp_path / "absent")
    assert memory_now() is None
    with PeakMemory() as watch:
        pass
    assert watch.peak is None


def test_each_number_of_a_peak_is_its_own_largest() -> None:
    peak = Memory(resident=5, private=4, mapped=1)
    peak.rise_to(Memory(resident=4, private=1, mapped=3))
    assert peak.as_json() == {"resident": 5, "private": 4, "mapped": 3}
    peak.add(Memory(1, 1, 1))
    assert peak == Memory(6, 5, 4)
