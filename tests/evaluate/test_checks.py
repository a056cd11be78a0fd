from __future__ import annotations

import json
from pathlib import Path

import pytest

from glmscope.errors import UsageError
from glmscope.evaluate.checks import BUILT_IN, HELD_OUT, KINDS, draw_checks, read_checks

USER = {"role": "user", "content": "你好"}
SPOKEN = {"role": "assistant", "content": "你好！"}
EXPECTED = {
    "page": {"min_chinese", "about"},
    "cities": {"min_chinese", "about"},
    "city_follow_ups": {"any"},
    "follow_ups": {"any"},
    "identity": {"any"},
    "english": {"language"},
    "tools": {"call"},
    "interpreter": {"number"},
    HELD_OUT: set(),
}


def write(directory: Path, kind: str, *rows: object) -> None:
    lines = (json.dumps(row, ensure_ascii=False) for row in rows)
    (directory / f"{kind}.jsonl").write_text("\n".join(lines), encoding="utf-8")


@pytest.mark.parametrize("kind", [*KINDS, HELD_OUT])
def test_every_built_in_check_can_be_asked_and_judged(kind: str) -> None:
    """Every file that is there; `read_checks` refuses what is no check."""
    for check in read_checks(kind, BUILT_IN):
        assert set(check.expect) >= EXPECTED[kind], check.id
        if kind == "tools" and check.expect["call"]:
            assert check.expect["call"]["name"] in check.offered, check.id


def test_no_file_lies_there_unread() -> None:
    assert {path.stem for path in BUILT_IN.glob("*.jsonl")} <= {*KINDS, HELD_OUT}


def test_a_row_becomes_a_check(tmp_path: Path) -> None:
    tools = [{"name": "get_weather"}, {"name": "add"}]
    row = {
        "id": 7,
        "messages": [{"role": "system", "content": "Tools:", "tools": tools}, USER],
        "expect": {"call": None},
    }
    write(tmp_path, "tools", row)
    (check,) = read_checks("tools", tmp_path)
    assert (check.kind, check.id, check.offers_tools) == ("tools", "7", True)
    assert check.offered == {"get_weather", "add"}
    assert check.messages[1].content == "你好"


def test_tools_may_be_keyed_by_name(tmp_path: Path) -> None:
    system = {"role": "system", "content": "Tools:", "tools": {"add": {"params": []}}}
    write(tmp_path, "tools", {"id": "a", "messages": [system, USER], "expect": {"call": None}})
    assert read_checks("tools", tmp_path)[0].offered == {"add"}


def test_a_kind_without_a_file_has_no_checks(tmp_path: Path) -> None:
    assert read_checks("cities", tmp_path) == []


@pytest.mark.parametrize(
    "row",
    [
        [],
        {"id": "a"},
        {"id": "a", "messages": []},
        {"messages": [USER]},
        {"id": "a", "messages": [{"role": "boss", "content": "?"}]},
        {"id": "a", "messages": [{"role": "user", "content": 1}]},
        {"id": "a", "messages": [{"role": "user", "content": "?", "name": "x"}]},
        {"id": "a", "messages": [{"role": "user", "content": "?", "tools": []}]},
        {"id": "a", "messages": [USER, SPOKEN]},
    ],
)
def test_what_is_no_check_is_refused_by_file_and_line(tmp_path: Path, row: object) -> None:
    write(tmp_path, "identity", {"id": "good", "messages": [USER]}, row)
    with pytest.raises(UsageError, match=r"identity\.jsonl, line 2 is no check"):
        read_checks("identity", tmp_path)


def test_an_id_stands_for_one_check(tmp_path: Path) -> None:
    write(tmp_path, "identity", {"id": "a", "messages": [USER]}, {"id": "a", "messages": [USER]})
    with pytest.raises(UsageError, match="line 2"):
        read_checks("identity", tmp_path)


def test_a_held_out_dialogue_ends_with_the_assistant(tmp_path: Path) -> None:
    write(tmp_path, HELD_OUT, {"id": "a", "messages": [USER, SPOKEN]})
    assert read_checks(HELD_OUT, tmp_path)[0].messages[-1].content == "你好！"
    write(tmp_path, HELD_OUT, {"id": "a", "messages": [USER]})
    with pytest.raises(UsageError, match="line 1"):
        read_checks(HELD_OUT, tmp_path)


def test_a_sample_is_the_same_for_a_seed(tmp_path: Path) -> None:
    write(tmp_path, "identity", *({"id": str(n), "messages": [USER]} for n in range(20)))
    checks = read_checks("identity", tmp_path)
    assert draw_checks(checks, 5, 1) == draw_checks(checks, 5, 1)
    assert draw_checks(checks, 5, 1) != draw_checks(checks, 5, 2)
    assert draw_checks(checks, 20, 1) == draw_checks(checks, None, 1) == checks
