"""Turns of any kind are read as the call of a declared tool, or as no call, and never raise."""

from __future__ import annotations

import random
import time

import pytest

from glmscope.text.call_reading import NoCall, ReadCall, called_name, is_tool_name, read_call
from glmscope.text.toolcall import MAX_CHARACTERS, write_fenced_call

TOOLS = {"get_weather": "city", "get": None, "天气": None}
NATIVE = "get_weather\n ```python\ntool_call(city='上海', days=3)\n```"


def test_what_a_history_holds_is_read_without_repair():
    for arguments in ({"city": "上海", "days": 3}, {}, {"a": [True, None, {"it's": 'a "b"'}]}):
        turn = f"get_weather\n {write_fenced_call(arguments)}"
        assert read_call(turn, TOOLS) == ReadCall("get_weather", arguments, ())


@pytest.mark.parametrize(
    ("turn", "arguments", "repairs"),
    [
        ("get_weather```python\ntool_call(city='a')\n```", {"city": "a"},
         ["newline after the name"]),
        (" get_weather \ntool_call(city='a')", {"city": "a"}, ["opening fence", "closing fence"]),
        ("get_weather\n```python\ntool_call(city='a')", {"city": "a"}, ["closing fence"]),
        ("get_weather\n```\ntool_call(city='a')\n```", {"city": "a"}, ["language of the fence"]),
        ("get_weather\n```py\ntool_call(city='a')\n```", {"city": "a"}, ["language of the fence"]),
        ("get_weather\n```python tool_call(city='a')```", {"city": "a"}, ["newline in the fence"]),
        ("get_weather\n```python\ntool_call({\"city\": 'a'})\n```", {"city": "a"},
         ["arguments as JSON"]),
        ('get_weather\n```json\n{"city": true, "b": null}\n```', {"city": True, "b": None},
         ["language of the fence", "arguments as JSON", "constants as JSON"]),
        ("get_weather\n```python\ntool_call(city=false)\n```", {"city": False},
         ["constants as JSON"]),
        ("get_weather\n```python\nget_weather(city='a')\n```", {"city": "a"},
         ["name of the call"]),
        ("get_weather\n```python\ntool_call('a')\n```", {"city": "a"},
         ["argument without its name"]),
        ("get_weather\r\n```python\r\ntool_call(city='a')\r\n```\n", {"city": "a"}, None),
    ],
)  # fmt: skip
def test_common_slips_are_repaired_and_named(turn, arguments, repairs):
    call = read_call(turn, TOOLS)
    assert isinstance(call, ReadCall)
    assert call.parameters == arguments
    if repairs is not None:
        assert sorted(call.repairs) == sorted(repairs)


@pytest.mark.parametrize(
    "turn",
    [
        "", "\n 你好", "\n get_weather\n```python\ntool_call(city='a')\n```", "get_weathers\n",
        "get_weather 是一个工具", "other\n```python\ntool_call(city='a')\n```", "get_weather",
        "get\n```python\ntool_call('a')\n```", "get_weather\n```python\ntool_call('a', 'b')\n```",
        "get_weather\n```python\ntool_call('a', days=1)\n```", "get_weather\n```python\n",
        "get_weather\n```python\nopen('/etc/passwd')\n```", "get_weather\n```python\n1\n```",
        "get_weather\n```python\ntool_call(city='a')\n```\n好的", "get_weather\n```python```",
        "get_weather\n```python\ntool_call(city='a'); tool_call(city='b')\n```",
        "get_weather\n```python\ntool_call(city=__import__('os').getcwd())\n```",
        "get_weather\n" + "[" * 100_000, "get_weather\n{" + '"a":{' * 50_000,
        "get_weather\n```python\ntool_call(a='" + "x" * MAX_CHARACTERS,
    ],
)  # fmt: skip
def test_all_else_is_no_call_and_the_reason_quotes_nothing(turn):
    reading = read_call(turn, TOOLS)
    assert isinstance(reading, NoCall)
    assert "passwd" not in reading.reason


def test_the_longest_name_that_is_a_whole_word_counts():
    assert called_name(NATIVE, TOOLS) == "get_weather"
    assert called_name("get\n", TOOLS) == "get"
    assert called_name("天气```", TOOLS) == "天气"
    assert called_name("get-weather", TOOLS) is None
    assert called_name("getter", TOOLS) is None


@pytest.mark.parametrize("name", ["a", "get_weather", "get-weather.v2", "天气", "x" * 64])
def test_names(name):
    assert is_tool_name(name)


@pytest.mark.parametrize("name", ["", "x" * 65, "a b", "a\n", "a(", "<|user|>", "a`", "a\u200b"])
def test_what_is_no_name(name):
    assert not is_tool_name(name)


def test_ten_thousand_mutated_turns_raise_nothing_and_call_nothing_undeclared():
    """Valid calls cut, joined, swapped and strewn with what could mislead a reader."""
    rng = random.Random(7)
    calls = [NATIVE, "get\n ```python\ntool_call()\n```", "天气\n```json\n{\"a\": [1, 'b']}\n```"]
    strewn = [
        "<|assistant|>", "<|user|>", "<|observation|>", "[gMASK]", "sop", "```", "\n", "'", '"',
        "\\", "(", ")", "{", "}", "[", "]", "**", "=", ",", ":", "tool_call(", "get_weather\n",
        "rm_rf\n", "\ud800", "\x00", "\u2028", "9" * 50, "#", "'''", "N{", "\\x", "é", "😀",
    ]  # fmt: skip
    read = 0
    started = time.process_time()
    for _ in range(10_000):
        text = rng.choice(calls)
        for _ in range(rng.randint(0, 6)):
            at = rng.randint(0, len(text))
            cut = rng.choice([0, 0, 1, 3, 20])
            text = text[:at] + rng.choice([*strewn, ""]) + text[at + cut :]
        reading = read_call(text, TOOLS)
        if isinstance(reading, ReadCall):
            read += 1
            assert reading.name in TOOLS
            assert text.lstrip(" ").startswith(reading.name)
        else:
            assert reading.reason
    assert read > 500
    assert (
        time.process_time() - started < 60
    )  # a bound against blow-up, some 50 times what it takes
