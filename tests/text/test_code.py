from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glmscope.text.call_reading import NoCall
from glmscope.text.code import INTERPRETER, ReadCode, read_code, write_code


def read(content: str) -> ReadCode:
    reading = read_code(f"{INTERPRETER}\n {content}")
    assert isinstance(reading, ReadCode)
    return reading


def test_what_is_written_is_read_back() -> None:
    code = "import math\nfor i in range(3):\n    print('```', i)"
    assert read(write_code(code)) == ReadCode(code, ())


def test_the_last_block_is_the_one_that_counts() -> None:
    assert read("```python\na = 1\n```\nor\n```python\nb = 2\n```").code == "b = 2"


@pytest.mark.parametrize(
    ("content", "code", "repair"),
    [
        ("print(1)", "print(1)", "opening fence"),
        ("```python\nprint(1)", "print(1)", "closing fence"),
        ("```python print(1)\n```", "print(1)", "newline in the fence"),
        ("```js\nprint(1)\n```", "print(1)", "language of the fence"),
    ],
)
def test_slips_are_repaired_and_told(content: str, code: str, repair: str) -> None:
    reading = read(content)
    assert reading.code == code
    assert repair in reading.repairs


def test_a_fence_may_close_on_the_last_line() -> None:
    assert read("```python\nx = 1\nprint(x)```") == ReadCode("x = 1\nprint(x)", ())


def test_a_missing_newline_after_the_name_is_told() -> None:
    reading = read_code("interpreter```python\nprint(1)\n```")
    assert reading == ReadCode("print(1)", ("newline after the name",))


@pytest.mark.parametrize("content", ["", "```python\n```", "```python\n\n \n```"])
def test_no_code_is_no_call(content: str) -> None:
    assert isinstance(read_code(f"interpreter\n{content}"), NoCall)


@settings(deadline=None)
@given(st.text(alphabet="`pythn \n(1)<|>", max_size=80))
def test_anything_is_read_without_an_exception(text: str) -> None:
    reading = read_code("interpreter" + text)
    assert isinstance(reading, NoCall) or reading.code.strip()
