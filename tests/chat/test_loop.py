"""The brake stops endless repetition and nothing else."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from glmscope.chat.loop import LONGEST_CYCLE, LOOP_LENGTH, LoopBrake
from tests.chat.support import CHATGLM3


def braked_at(ids: Iterable[int]) -> tuple[int, int] | None:
    """How many ids were let through, and the cycle; None when all were."""
    brake = LoopBrake()
    for count, token_id in enumerate(ids, start=1):
        brake.add(token_id)
        if brake.cycle is not None:
            return count, brake.cycle
    return None


@pytest.mark.parametrize("cycle", [1, 2, 7, LONGEST_CYCLE])
@pytest.mark.parametrize("before", [0, 100])
def test_a_cycle_is_noticed_once_it_has_filled_the_window(cycle: int, before: int):
    start = list(range(1000, 1000 + before))
    endless = list(range(cycle)) * 300
    assert braked_at(start + endless) == (before + LOOP_LENGTH, cycle)


def test_one_id_less_or_a_longer_cycle_is_no_loop():
    assert braked_at([5] * (LOOP_LENGTH - 1)) is None
    assert braked_at(([5] * (LOOP_LENGTH - 1) + [6]) * 5) is None
    assert braked_at(list(range(LONGEST_CYCLE + 1)) * 60) is None


TABLE = "| 序号 | 名称 | 数量 |\n| --- | --- | --- |\n" + "".join(
    f"| {n} | 苹果 | 0 |\n" for n in range(1, 120)
)
ORDINARY = {
    "table": TABLE,
    "number list": "\n".join(f"{n}." for n in range(1, 400)),
    "multiplication": "\n".join(f"{a} x {b} = {a * b}" for a in range(1, 10) for b in range(1, 10)),
    "even numbers": ", ".join(str(n) for n in range(0, 900, 2)),
    "zeros": "[" + ", ".join("0" for _ in range(64)) + "]",
    "code": "\n".join(f"    value_{n} = table[{n}]" for n in range(80)),
    "rule": "-" * 200,
    "refrain": "".join(f"第{n}天，我爱你，我爱你，我爱你。\n" for n in range(60)),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_repetitive_text_passes(name: str):
    ids = CHATGLM3.encode(ORDINARY[name])
    assert len(ids) > 40
    assert braked_at(ids) is None
