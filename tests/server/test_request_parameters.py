"""Which values parameters may have, and the sentence for others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from glmscope.server.dashscope.result import ResultShape
from tests.server.request_reading import chat, read, refusal

HUGE = 10**399
RANGES = [
    # name, accepted, refused, the range as it is printed
    ("temperature", [0, 0.0, 1.999], [-0.001, 2, 2.0, HUGE, 1e999, -1e999], "[0.0, 2.0)"),
    ("top_p", [1e-9, 1, 1.0], [0, 0.0, 1.0001, -HUGE, 1e999], "(0.0, 1.0]"),
    ("top_k", [0, 1, 100, 101, HUGE], [-1, -HUGE], "[0, inf)"),
    ("max_tokens", [1, 1500], [0, 1501, -1, HUGE], "[1, 1500]"),
    ("max_length", [1, 1501, HUGE], [0, -1], "[1, inf)"),
    ("seed", [0, 2**64 - 1], [-1, 2**64, HUGE], "[0, 18446744073709551615]"),
    ("repetition_penalty", [1e-9, 1, 99.5], [0, -1.0, HUGE, 1e999], "(0.0, inf)"),
    ("presence_penalty", [-2, 2, 2.0], [-2.001, 2.001, HUGE], "[-2.0, 2.0]"),
    ("n", [1, 4], [0, 5, HUGE], "[1, 4]"),
    ("top_logprobs", [0], [-1, 6], "[0, 5]"),
]


@pytest.mark.parametrize(("name", "accepted", "refused", "interval"), RANGES)
def test_both_bounds_of_each_range(
    name: str, accepted: list[float], refused: list[float], interval: str
) -> None:
    for value in accepted:
        chat(**{name: value})
    for value in refused:
        assert refusal(**{name: value}) == f"Range of {name} should be {interval}"


@pytest.mark.parametrize("name", [name for name, *_ in RANGES])
@pytest.mark.parametrize("value", [True, False, "1", [1], {}, ""])
def test_wrong_types_and_booleans_are_no_numbers(name: str, value: object) -> None:
    assert refusal(**{name: value}) in (
        f"{name} should be an integer.",
        f"{name} should be a number.",
    )


@pytest.mark.parametrize("name", ["top_k", "max_tokens", "max_length", "seed", "n"])
def test_floats_are_no_integers(name: str) -> None:
    assert refusal(**{name: 1.0}) == f"{name} should be an integer."


@pytest.mark.parametrize("name", [name for name, *_ in RANGES])
def test_null_is_absent(name: str) -> None:
    assert chat(**{name: None}) == chat()


@pytest.mark.parametrize("name", ["incremental_output", "logprobs", "enable_search"])
@pytest.mark.parametrize("value", [0, 1, "true", []])
def test_numbers_and_words_are_no_booleans(name: str, value: object) -> None:
    assert refusal(**{name: value}) == f"{name} should be true or false."


def test_top_k_above_a_hundred_is_off_and_max_length_is_capped() -> None:
    assert chat(top_k=100).top_k == 100
    assert chat(top_k=101).top_k == 0
    assert chat(max_length=12).max_tokens == 12
    assert chat(max_length=10**9).max_tokens == 1500


@pytest.mark.parametrize("value", ["Text", "", 1, ["text"], {}])
def test_result_format(value: object) -> None:
    assert refusal(result_format=value) == 'result_format should be "text" or "message".'
    assert read({"prompt": "x"}, result_format=None).shape == ResultShape("text")


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"logprobs": True}, 'logprobs needs result_format to be "message".'),
        ({"top_logprobs": 3}, "top_logprobs needs logprobs to be true."),
        ({"tools": [{}]}, "tools[0].name should be a string."),
        ({"enable_search": True}, "This model does not support enable_search."),
    ],
)
def test_what_cannot_be_had_is_said(parameters: dict[str, Any], sentence: str) -> None:
    assert refusal(**parameters) == sentence


def test_text_form_has_a_place_for_one_text() -> None:
    assert chat(n=4) == chat()
    assert chat(n=4, result_format="message").n == 4


def test_how_many_alternatives() -> None:
    asked = {"logprobs": True, "result_format": "message"}
    assert chat(**asked).logprobs == 0
    assert chat(**asked, top_logprobs=5).logprobs == 5
    assert chat(logprobs=False, top_logprobs=0).logprobs is None


def test_the_schema_of_a_json_reply_arrives_as_text() -> None:
    schema = {"type": "object", "properties": {"名": {"type": "string"}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    asked = chat(response_format=wanted).json_schema
    assert asked is not None
    assert json.loads(asked) == schema


def test_saying_that_one_does_not_want_it_is_fine() -> None:
    assert chat() == chat(
        n=1,
        logprobs=False,
        top_logprobs=0,
        tools=[],
        tool_choice="auto",
        parallel_tool_calls=True,
        response_format={"type": "text"},
        enable_search=False,
    )


@pytest.mark.parametrize(
    "parameters",
    [
        {"tools": {}},
        {"tools": "x"},
        {"tool_choice": {"type": "function", "function": {"name": "f"}}},
        {"tool_choice": "required"},
        {"parallel_tool_calls": 1},
        {"response_format": "text"},
        {"response_format": {}},
        {"response_format": {"type": ["text"]}},
    ],
)
def test_other_shapes_of_these_are_refused(parameters: dict[str, Any]) -> None:
    (name,) = parameters
    assert name in refusal(**parameters)


@pytest.mark.parametrize(
    ("stop", "strings", "sequences"),
    [
        (None, (), ()),
        ([], (), ()),
        ("a", ("a",), ()),
        (["a", "bc"], ("a", "bc"), ()),
        ([1, 0], (), ((1, 0),)),
        ([[1], [2, 3]], (), ((1,), (2, 3))),
    ],
)
def test_stops(stop: object, strings: object, sequences: object) -> None:
    request = chat(stop=stop)
    assert (request.stop, request.stop_sequences) == (strings, sequences)


@pytest.mark.parametrize(
    "stop",
    [
        "",
        [""],
        ["a", ""],
        ["a", 1],
        [[1], "a"],
        [[]],
        [[1], []],
        [["a"]],
        [[True]],
        [True],
        [-1],
        [2**31],
        [[1.0]],
        {},
        7,
        "\ud800",
        ["a"] * 65,
        [None],
    ],
)
def test_stops_that_are_none(stop: object) -> None:
    assert refusal(stop=stop).startswith("stop")
