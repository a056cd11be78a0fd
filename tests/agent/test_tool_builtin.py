"""The calculator and the clock."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmscope.agent.tool import ToolRegistry, ToolResult
from glmscope.agent.tools.arithmetic import LONGEST_EXPRESSION, ArithmeticSlip, calculate
from glmscope.agent.tools.builtin import Calculator, CurrentTime


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("（1＋２）×３÷4", 2.25),
        ("2 ** 3 ** 2", 512),
        ("2^10", 1024),
        ("-2 ** 2", -4),
        ("2 ** -1", 0.5),
        ("- - 3", 3),
        ("7 // 2", 3),
        ("-7 // 2", -4),
        ("-7 % 3", 2),
        ("12345678901234567890123 * 10 / 10", 12345678901234567890123),
        ("7 / 2", 3.5),
        ("1.5e3 + .5", 1500.5),
        ("sqrt(16)", 4.0),
        ("SQRT(2) ** 2", 2.0000000000000004),
        ("log(8, 2)", 3.0),
        ("log(e)", 1.0),
        ("exp(0)", 1.0),
        ("abs(-5)", 5),
        ("round(2.567, 2)", 2.57),
        ("round(1234, -2)", 1200),
        ("min(3, 1, 2) + max(1，9)", 10),
        ("cos(π)", -1.0),
        ("5²", 25),
        ("1 ** 999999999999", 1),
        ("\n 1\t+ 1 ", 2),
    ],
)
def test_arithmetic(text: str, value: float) -> None:
    found = calculate(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("9**9**9", "too large"),
        ("9" * 900 + "**" + "9" * 90, "too large"),
        ("2 ** 4097 * 2", "too large"),
        ("10.0 ** 400", "too large"),
        ("1e999", "too large"),
        ("exp(1000)", "too large"),
        ("2 ** 4000 / 3.0", "too large"),
        ("1 / 0", "by zero"),
        ("1 % 0", "by zero"),
        ("0 ** -1", "by zero"),
        ("sqrt(-1)", "no real value"),
        ("(-8) ** 0.5", "no real value"),
        ("log(0)", "no real value"),
        ("", "ends too early"),
        ("(1 + 2", "ends too early"),
        ("1 2", '"2" does not belong'),
        ("1 + * 2", '"*" does not belong'),
        ("1)", '")" does not belong'),
        ("__import__('os').system('id')", '"\'" is not part of arithmetic'),
        ("().__class__", '"." is not part of arithmetic'),
        ("open(1)", 'no function "open"'),
        ("x + 1", 'no constant "x"'),
        ("sqrt()", "was given 0 numbers"),
        ("sqrt(1, 2)", "was given 2 numbers"),
        ("round(1, 1e9)", "small integer"),
        ("(" * 60 + "1" + ")" * 60, "deep"),
        ("2" + "**2" * 60, "deep"),
        ("1" * (LONGEST_EXPRESSION + 1), f"{LONGEST_EXPRESSION} characters"),
        ("1 = 1", '"=" is not part of arithmetic'),
        ("½", "is not part of arithmetic"),
    ],
)
def test_what_is_no_arithmetic_is_told(text: str, told: str) -> None:
    with pytest.raises(ArithmeticSlip) as slip:
        calculate(text)
    assert told in str(slip.value)


@given(st.text(alphabet="0123456789.eE+-*/%(),^ ×÷（）pi sqrtlogexpabsroundminmax\n²", max_size=60))
def test_whatever_stands_there_ends_in_a_finite_number_or_a_reason(text: str) -> None:
    try:
        value = calculate(text)
    except ArithmeticSlip as slip:
        assert str(slip).endswith(".")
    else:
        assert isinstance(value, int) or math.isfinite(value)


@given(st.integers(), st.integers(), st.integers(min_value=1))
def test_integers_are_exact(left: int, right: int, divisor: int) -> None:
    line = f"({left} - {right}) * {divisor} // {divisor} + ({left}) % {divisor}"
    assert calculate(line) == (left - right) + left % divisor


async def called(tool: Calculator | CurrentTime, arguments: dict[str, Any]) -> ToolResult:
    return await ToolRegistry([tool]).run(tool, arguments)


async def test_calculator() -> None:
    tool = Calculator()
    assert await called(tool, {"expression": "0.1 + 0.2"}) == ToolResult("0.3")
    assert await called(tool, {"expression": "8 / 2.0"}) == ToolResult("4")
    assert len((await called(tool, {"expression": "2 ** 4000"})).text) == 1205
    refused = await called(tool, {"expression": "9**9**9"})
    assert refused == ToolResult("The number is too large.", is_error=True)
    assert (await called(tool, {})).is_error


async def test_current_time() -> None:
    tool = CurrentTime(lambda: datetime(2026, 2, 28, 18, 30, 5, tzinfo=timezone.utc))
    shanghai = await called(tool, {"timezone": "Asia/Shanghai"})
    assert shanghai == ToolResult("2026-03-01 02:30:05+08:00 Sunday (Asia/Shanghai)")
    local = await called(tool, {})
    assert datetime.fromisoformat(local.text.rpartition(" ")[0]) == datetime(
        2026, 2, 28, 18, 30, 5, tzinfo=timezone.utc
    )


@pytest.mark.parametrize(
    "name", ["Mars/Base", "Asia", "../../etc/passwd", "/etc/passwd", "", "a\0b"]
)
async def test_no_time_zone(name: str) -> None:
    result = await called(CurrentTime(), {"timezone": name})
    assert result.is_error
    assert result.text.startswith("There is no time zone")
