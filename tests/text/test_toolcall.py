from __future__ import annotations

import ast
import math
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmscope.text.toolcall import (
    MAX_CHARACTERS,
    MAX_DEPTH,
    MalformedCall,
    Value,
    parse_tool_call,
    write_fenced_call,
    write_tool_call,
)

valid_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False),
        valid_text,
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(valid_text, inner, max_size=4)
    ),
    max_leaves=10,
)  # fmt: skip
names = st.one_of(st.sampled_from(["city", "days", "from", "user-id", "城市", "ℌ", ""]), valid_text)


@given(arguments=st.dictionaries(names, values, max_size=4))
def test_what_is_written_reads_back(arguments: dict[str, Value]) -> None:
    assert parse_tool_call(write_tool_call(arguments)) == arguments


@given(source=st.text())
def test_any_text_yields_arguments_or_a_reason(source: str) -> None:
    for text in (source, f"tool_call({source})", f"tool_call(a={source})"):
        result = parse_tool_call(text)
        assert isinstance(result, dict) or result.reason


fragments = st.lists(
    st.sampled_from(
        ["'", '"', "'''", '"""', "\\", "\n", "\r", "#", "r", "b", "f", "u", "x4", "N{DASH}", "N",
         "{", "}", "[", "]", "(", ")", ",", ":", "-", "+", "*", "a", "1", "0", "7", "_", ".", "e",
         "j", "0x", "\u00e9", " ", "True", "None", "=", "and", "\ud800"]
    ),
    max_size=12,
).map("".join)  # fmt: skip


def as_json_values(value: object) -> object:
    """Tuples become lists; a ValueError for what JSON has no value for."""
    if isinstance(value, (list, tuple)):
        return [as_json_values(item) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: as_json_values(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise ValueError


@given(source=fragments)
def test_a_value_that_is_read_is_what_python_reads(source: str) -> None:
    result = parse_tool_call(f"tool_call(a=({source}\n))")
    if isinstance(result, MalformedCall) or "\ud800" in source:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = as_json_values(ast.literal_eval(f"({source}\n)"))
    assert result["a"] == expected
    assert type(result["a"]) is type(expected)


@pytest.mark.parametrize(
    ("source", "arguments"),
    [
        ("tool_call()", {}),
        ("tool_call(location='beijing', unit=\"celsius\")",
         {"location": "beijing", "unit": "celsius"}),
        ("  tool_call(\n  a = 1 ,  # one\n  b = -2.5e3,\n)\n", {"a": 1, "b": -2500.0}),
        ("tool_call(a=True, b=false, c=null, d=None)",
         {"a": True, "b": False, "c": None, "d": None}),
        ("tool_call(a=(1, 2), b=(3), c=(), d=(4,))", {"a": [1, 2], "b": 3, "c": [], "d": [4]}),
        ("tool_call(a={'k': [{'n': 0x1F}]})", {"a": {"k": [{"n": 31}]}}),
        ("tool_call(**{'user-id': 7}, from='x')", {"user-id": 7, "from": "x"}),
        ("tool_call(a='''one\r\ntwo''', b='a' \"b\")", {"a": "one\ntwo", "b": "ab"}),
        (r"tool_call(a='\n\x41\u4f60\U0001F600\N{BULLET}\101\q\'')", {"a": "\nA你😀•A\\q'"}),
        (r"tool_call(a=r'\n', b='\ud83d\ude00', c='\ud83d')",
         {"a": "\\n", "b": "😀", "c": "\ufffd"}),
        ("tool_call(a='a\\\nb', b=1_000, c=.5, d=5.)", {"a": "ab", "b": 1000, "c": 0.5, "d": 5.0}),
    ],
)  # fmt: skip
def test_calls_that_are_read(source: str, arguments: dict[str, Value]) -> None:
    assert parse_tool_call(source) == arguments


@pytest.mark.parametrize(
    "source",
    [
        "", "not code", "tool_call", "tool_call(", "tool_call)", "other(a=1)", "tool_call(1)",
        "tool_call(a=1) + 1", "tool_call(a=1); tool_call()", "import os\ntool_call()",
        "tool_call(a=open('/etc/passwd'))", "tool_call(a=__import__('os').system('id'))",
        "tool_call(a=1+1)", "tool_call(a=b)", "tool_call(a=[x for x in y])", "tool_call(a=f'{x}')",
        "tool_call(a=b'x')", "tool_call(a={1, 2})", "tool_call(a={1: 2})", "tool_call(a=1j)",
        "tool_call(a=1, a=2)", "tool_call(a=1, **{'a': 2})", "tool_call(**a)", "tool_call(,)",
        "tool_call(a=012)", "tool_call(a=1e999)", "tool_call(a='\\xq')", "tool_call(a='\\N{}')",
        "tool_call(a='\\U00110000')", "tool_call(a='''x')", "tool_call(a='x\ny')", "tool_call(a=-)",
        "tool_call(a=--1)", "tool_call(a=-'x')", "tool_call(a=...)", "tool_call(a 1)",
        "tool_call(°=1)", "tool_call(a=1 b=2)", "tool_call(a=[1 2])", "tool_call(a={'x' 1})",
        "tool_call(a=１)", "tool_call.x(a=1)", "lambda: tool_call()",
    ],
)  # fmt: skip
def test_calls_that_are_refused(source: str) -> None:
    result = parse_tool_call(source)
    assert isinstance(result, MalformedCall)
    assert result.reason


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("[" * 100_000, "nested"),
        ("(" * 50_000 + ")" * 50_000, "nested"),
        ("{'a':" * 20_000, "nested"),
        ("-" * 100_000, "number"),
        ("9" * 100_000, "number"),
        ("'" * 100_000, "begins nothing"),
        ("'a'" * 40_000 + "+", "expected"),
        ("x" * MAX_CHARACTERS, "longer"),
    ],
)
def test_hostile_sizes_end_in_a_reason(value: str, reason: str) -> None:
    result = parse_tool_call(f"tool_call(a={value})")
    assert isinstance(result, MalformedCall)
    assert reason in result.reason


def test_a_reason_quotes_nothing_of_the_text() -> None:
    result = parse_tool_call("tool_call(a=1, secret_word 'secret')")
    assert isinstance(result, MalformedCall)
    assert "secret" not in result.reason


def test_what_is_written_is_a_python_call() -> None:
    arguments: dict[str, Value] = {"city": "上海", "from": None, "days": [1, 2.5, True]}
    written = write_tool_call(arguments)
    assert written == "tool_call(city='上海', **{'from': None}, days=[1, 2.5, True])"
    assert write_fenced_call({"a": 1}) == "```python\ntool_call(a=1)\n```"
    ast.parse(written)


def test_depth_is_bounded_alike_for_reading_and_writing() -> None:
    deepest: Value = 1
    for _ in range(MAX_DEPTH - 1):
        deepest = [deepest]
    assert parse_tool_call(write_tool_call({"a": deepest})) == {"a": deepest}
    with pytest.raises(ValueError, match="nested"):
        write_tool_call({"a": [deepest]})
    with pytest.raises(ValueError, match="nested"):
        write_tool_call({"from": deepest})


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_infinite_numbers_are_not_written(value: float) -> None:
    with pytest.raises(ValueError, match="literal"):
        write_tool_call({"a": value})


@pytest.mark.parametrize("value", [b"x", {1: 2}, {1, 2}, 1j])
def test_what_json_does_not_have_is_not_written(value) -> None:
    with pytest.raises(TypeError, match="cannot carry"):
        write_tool_call({"a": value})
