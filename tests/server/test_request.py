"""What a request may hold: a model, an input, parameters."""

from __future__ import annotations

from typing import Any

import pytest

from glmscope.chat.request import ChatRequest, Message
from glmscope.errors import EmptyInput, EmptyModel, GLMScopeError, InvalidParameter, ModelNotFound
from glmscope.server.dashscope.request import GenerationRequest, read_generation
from glmscope.server.dashscope.result import ResultShape
from glmscope.server.model import read_model
from glmscope.server.record import RequestRecord
from tests.server.request_reading import MODELS, RECORD, REQUEST_ID, read, refusal


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
