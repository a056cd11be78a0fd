"""Each judge passes a right answer and fails a wrong one."""

from __future__ import annotations

from typing import Any

import pytest

from glmscope.evaluate.judges import judge
from glmscope.text.toolcall import write_fenced_call
from tests.evaluate.support import WEATHER, answered, check

CITY = check("cities", {"min_chinese": 20, "about": ["西湖", "杭州"]})
LONG = "杭州是浙江省的省会，位于中国东南部，风景优美，历史悠久，有很多好吃的菜。"
CALL = {"name": "get_weather", "arguments": {"city": "杭州", "days": 3}}
TOOLS = check("tools", {"call": CALL}, tools=[WEATHER, {"name": "add"}])
NO_CALL = check("tools", {"call": None}, tools=[WEATHER])
SUM = check("interpreter", {"number": 12.5})
NAME = check("identity", {"any": ["ChatGLM3-nano", "小模型"]})
ENGLISH = check("english", {"language": "en"})


@pytest.mark.parametrize("kind", ["page", "cities"])
def test_a_long_text_about_the_city_is_right(kind: str) -> None:
    verdict = judge(answered(check(kind, CITY.expect), LONG))
    assert verdict.holds == {"right": True, "ended": True, "no loop": True}


@pytest.mark.parametrize(
    ("text", "ended", "note"),
    [
        ("杭州很美。", True, "4 Chinese characters"),
        (LONG.replace("杭州", "苏州"), True, "another subject"),
        (LONG, False, "not ended"),
        (LONG + "很美" * 30, True, "a loop"),
    ],
)
def test_a_text_that_misses_one_thing_is_wrong(text: str, ended: bool, note: str) -> None:
    verdict = judge(answered(CITY, text, ended=ended))
    assert (verdict.holds["right"], verdict.note) == (False, note)


@pytest.mark.parametrize("kind", ["identity", "follow_ups", "city_follow_ups"])
def test_any_of_the_words_will_do(kind: str) -> None:
    asked = check(kind, NAME.expect)
    assert judge(answered(asked, "我是chatglm3-NANO。")).holds["right"]
    assert judge(answered(asked, "我是一个小模型。")).holds["right"]
    assert not judge(answered(asked, "我是ChatGLM3-6B。")).holds["right"]


def test_words_of_a_call_are_no_answer() -> None:
    verdict = judge(answered(NAME, "```python\nprint('小模型')\n```", metadata="interpreter"))
    assert not verdict.holds["right"]


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("Hangzhou (杭州) is the capital of Zhejiang.", True),
        ("杭州是浙江的省会 OK", False),
        ("12 + 3 = 15", False),
        ("", False),
    ],
)
def test_english_is_counted_in_letters(text: str, right: bool) -> None:
    assert judge(answered(ENGLISH, text)).holds["right"] is right


def held(metadata: str, arguments: dict[str, Any]) -> tuple[bool, ...]:
    holds = judge(answered(TOOLS, write_fenced_call(arguments), metadata)).holds
    assert list(holds) == ["well formed", "right function", "right arguments", "ended", "no loop"]
    return tuple(holds.values())[:3]


def test_a_call_is_judged_in_three_steps() -> None:
    assert held("get_weather", {"city": "杭州", "days": 3}) == (True, True, True)
    assert held("get_weather", {"days": 3.0, "city": "杭州"}) == (True, True, True)
    assert held("get_weather", {"city": "杭州", "days": 4}) == (True, True, False)
    assert held("get_weather", {"city": "杭州"}) == (True, True, False)
    assert held("get_weather", {"city": "杭州", "days": "3"}) == (True, True, False)
    assert held("add", {"city": "杭州", "days": 3}) == (True, False, False)
    assert held("not_offered", {"city": "杭州", "days": 3}) == (False, False, False)


def test_a_call_that_cannot_be_read_is_none() -> None:
    verdict = judge(answered(TOOLS, "```python\ntool_call(city=杭州\n```", "get_weather"))
    assert not any(verdict.holds[each] for each in ("well formed", "right function"))
    assert verdict.note.startswith("broken call: ")
    assert not judge(answered(TOOLS, "杭州今天晴。")).holds["well formed"]


@pytest.mark.parametrize(
    ("expected", "found", "same"),
    [
        ({"a": [1, 2]}, {"a": [1.0, 2.0]}, True),
        ({"a": {"b": 1}}, {"a": {"b": 1.0}}, True),
        ({"a": True}, {"a": 1}, False),
        ({"a": True}, {"a": True}, True),
        ({"a": None}, {"a": ""}, False),
        ({"a": [1, 2]}, {"a": [2, 1]}, False),
        ({"a": [1]}, {"a": [1, 1]}, False),
    ],
)
def test_arguments_are_compared_as_values(expected: dict, found: dict, same: bool) -> None:
    asked = check(
        "tools", {"call": {"name": "add", "arguments": expected}}, tools=[{"name": "add"}]
    )
    verdict = judge(answered(asked, write_fenced_call(found), "add"))
    assert verdict.holds["right arguments"] is same


def test_where_no_call_is_needed_none_is_right() -> None:
    assert judge(answered(NO_CALL, "你好！")).holds["no call"]
    called = judge(answered(NO_CALL, write_fenced_call({"city": "杭州"}), "get_weather"))
    broken = judge(answered(NO_CALL, "tool_call(", "get_weather"))
    assert not called.holds["no call"]
    assert not broken.holds["no call"]
    assert "right function" not in called.holds


@pytest.mark.parametrize(
    ("code", "right", "note"),
    [
        ("```python\nprint(50 / 4)\n```", True, "printed 12.5"),
        ("```python\nprint('结果是', 12.50)\n```", True, "printed 12.5"),
        ("```python\nprint(12.6)\n```", False, "printed 12.6"),
        ("```python\nx = 12.5\n```", False, "printed None"),
        ("```python\n1 / 0\n```", False, "ZeroDivisionError: division by zero"),
        ("print(12.5)", False, "no fenced code"),
    ],
)
def test_code_has_to_print_the_number(code: str, right: bool, note: str) -> None:
    verdict = judge(answered(SUM, code, metadata="interpreter"))
    assert (verdict.holds["right"], verdict.note) == (right, note)


def test_a_number_in_words_is_no_code() -> None:
    verdict = judge(answered(SUM, "答案是12.5。"))
    assert (verdict.holds["right"], verdict.note) == (False, "no interpreter turn")
