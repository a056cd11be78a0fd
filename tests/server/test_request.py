"""What a request may hold, and the sentence for what it may not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from glmscope.chat.request import ChatRequest, Message
from glmscope.errors import EmptyInput, EmptyModel, GLMScopeError, InvalidParameter, ModelNotFound
from glmscope.server.dashscope.request import GenerationRequest, read_generation
from glmscope.server.dashscope.result import ResultShape
from glmscope.server.model import read_model
from glmscope.server.record import RequestRecord
from tests.server.support import service_with

MODELS = service_with().models
REQUEST_ID = "11111111-1111-4111-8111-111111111111"
RECORD = RequestRecord(REQUEST_ID)
NEITHER = 'Either "prompt" or "messages" must exist and cannot both be none.'


def read(given: object, **parameters: object) -> GenerationRequest:
    body = {"input": given, "parameters": parameters}
    return read_generation(body, MODELS["chatglm3-6b"], RECORD)


def chat(**parameters: object) -> ChatRequest:
    return read({"prompt": "x"}, **parameters).chat


def refusal(given: object = None, **parameters: object) -> str:
    with pytest.raises(InvalidParameter) as caught:
        read({"prompt": "x"} if given is None else given, **parameters)
    return caught.value.message


def user(content: object) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": content}]}


@pytest.mark.parametrize(
    ("model", "error"),
    [
        (None, EmptyModel),
        ("", EmptyModel),
        (3, InvalidParameter),
        (["chatglm3-6b"], InvalidParameter),
        ("chatglm4", ModelNotFound),
    ],
)
def test_models_that_are_none(model: object, error: type[GLMScopeError]) -> None:
    with pytest.raises(error):
        read_model({"model": model}, MODELS, RequestRecord())
    record = RequestRecord()
    assert read_model({"model": "chatglm-6b-v2"}, MODELS, record).name == "ChatGLM2-6B"
    assert record.model == "chatglm-6b-v2"


def test_input_must_be_there_and_be_an_object() -> None:
    for body in ({}, {"input": None}):
        with pytest.raises(EmptyInput):
            read_generation(body, MODELS["chatglm3-6b"], RECORD)
    assert refusal(["prompt"]) == "input should be an object."
    with pytest.raises(InvalidParameter, match="parameters should be an object"):
        read_generation({"input": {"prompt": "x"}, "parameters": []}, MODELS["chatglm3-6b"], RECORD)


def test_parameters_absent_null_and_empty_are_the_same() -> None:
    bodies: list[dict[str, Any]] = [{}, {"parameters": None}, {"parameters": {}}]
    read_ones = [
        read_generation({"input": {"prompt": "x"}, **body}, MODELS["chatglm3-6b"], RECORD)
        for body in bodies
    ]
    assert read_ones[0] == read_ones[1] == read_ones[2]
    assert read_ones[0] == GenerationRequest(
        ChatRequest(
            request_id=REQUEST_ID,
            model="chatglm3-6b",
            messages=(Message("user", "x"),),
            cache_scope="",
        ),
        ResultShape("text"),
        False,
    )


def test_unknown_names_are_ignored() -> None:
    plain = read({"prompt": "x"})
    assert plain == read(
        {"prompt": "x", "customized_model_id": "y", "whatever": 1},
        stream="maybe",
        enable_thinking=True,
        translation_options={},
        search_options={"a": 1},
        whatever=[None],
    )


def test_all_parameters_arrive() -> None:
    given = read(
        {"prompt": "x"},
        result_format="message",
        incremental_output=True,
        temperature=1,
        top_p=0.5,
        top_k=7,
        max_tokens=9,
        max_length=3,
        seed=2**64 - 1,
        repetition_penalty=1.1,
        presence_penalty=-0.5,
        stop=["a", "b"],
        n=3,
        logprobs=True,
        top_logprobs=2,
        response_format={"type": "json_object"},
    )
    assert given == GenerationRequest(
        ChatRequest(
            request_id=REQUEST_ID,
            model="chatglm3-6b",
            messages=(Message("user", "x"),),
            cache_scope="",
            max_tokens=9,
            temperature=1.0,
            top_p=0.5,
            top_k=7,
            repetition_penalty=1.1,
            presence_penalty=-0.5,
            seed=2**64 - 1,
            stop=("a", "b"),
            n=3,
            logprobs=2,
            json_schema='{"type":"object"}',
        ),
        ResultShape("message", n=3, logprobs=True),
        True,
    )


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


def test_roles_and_contents() -> None:
    messages = [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"text": "b"}]},
        {"role": "bot", "content": "c", "content_type": "text", "partial": False},
        {"role": "user", "content": []},
        {"role": "assistant", "content": "d", "tool_calls": None, "name": "n"},
        {"role": "tool", "content": "e", "tool_call_id": "i"},
    ]
    assert read({"messages": messages}).chat.messages == (
        Message("system", "s"),
        Message("user", "ab"),
        Message("assistant", "c"),
        Message("user", ""),
        Message("assistant", "d"),
        Message("tool", "e", call_id="i"),
    )


def test_messages_win_and_empty_ones_are_none() -> None:
    both = read({"messages": [{"role": "user", "content": "m"}], "prompt": 7, "history": 8})
    assert both.chat.messages == (Message("user", "m"),)
    assert read({"messages": [], "prompt": "p"}).chat.messages == (Message("user", "p"),)
    for given in ({}, {"messages": []}, {"prompt": None}, {"history": [["a", "b"]]}):
        assert refusal(given) == NEITHER


def test_history_in_both_forms() -> None:
    turns = (Message("user", "a"), Message("assistant", "b"), Message("user", "p"))
    for history in ([["a", "b"]], [{"user": "a", "bot": "b", "other": 1}]):
        assert read({"prompt": "p", "history": history}).chat.messages == turns
    for history in ([], None):
        assert read({"prompt": "p", "history": history}).chat.messages == turns[2:]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"prompt": 7}, "prompt should be a string."),
        ({"prompt": "\ud800"}, "prompt holds half of a surrogate pair"),
        ({"prompt": "p", "history": {}}, "history should be a list."),
        ({"prompt": "p", "history": ["a"]}, "history[0] should be "),
        ({"prompt": "p", "history": [["a"]]}, "history[0] should be "),
        ({"prompt": "p", "history": [["a", 1]]}, "history[0][1] should be a string."),
        ({"prompt": "p", "history": [{"user": "a"}]}, "history[0].bot should be a string."),
        ({"messages": {}}, "messages should be a list."),
        ({"messages": "x"}, "messages should be a list."),
        ({"messages": [[]]}, "messages[0] should be an object."),
        ({"messages": [{}]}, "messages[0].role should be one of"),
        ({"messages": [{"role": "attachment", "content": "x"}]}, "messages[0].role should"),
        ({"messages": [{"role": ["user"], "content": "x"}]}, "messages[0].role should"),
        (user(None), "messages[0].content should be a string."),
        (user(1), "messages[0].content should be a string."),
        (user("\udfff"), "messages[0].content holds half of a surrogate pair"),
        (user([1]), "messages[0].content[0] should be a text part"),
        (user([{"type": "image", "image": "x"}]), "messages[0].content[0] should be a text part"),
        (user([{"type": "text"}]), "messages[0].content[0].text should be a string."),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "The last message should have"),
        ({"messages": [{"role": "system", "content": "x"}]}, "The last message should have"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{}]}, {"role": "user"}]},
            "messages[0].tool_calls[0].function should be an object.",
        ),
    ],
)
def test_inputs_that_are_none(given: dict[str, Any], sentence: str) -> None:
    assert refusal(given).startswith(sentence)
