"""A generation request's body → ChatRequest, checked in the protocol's order (section 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from glmscope.chat.request import ChatRequest
from glmscope.chat.service import ServedModel
from glmscope.errors import EmptyInput, EmptyModel, InvalidParameter, ModelNotFound
from glmscope.server.dashscope.conversation import read_conversation
from glmscope.server.dashscope.parameters import ResultFormat, read_parameters


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """What to generate, and in which shape to say it."""

    chat: ChatRequest
    result_format: ResultFormat
    incremental: bool


def read_model(body: Mapping[str, Any], models: Mapping[str, ServedModel]) -> ServedModel:
    """The model that the request names. Raises EmptyModel, InvalidParameter, ModelNotFound."""
    model = body.get("model")
    if model is None or model == "":
        raise EmptyModel
    if not isinstance(model, str):
        raise InvalidParameter("model should be a string.")
    if model not in models:
        raise ModelNotFound
    return models[model]


def read_generation(
    body: Mapping[str, Any], model: ServedModel, request_id: str
) -> GenerationRequest:
    """Input first, then parameters. Raises EmptyInput and InvalidParameter."""
    given = body.get("input")
    if given is None:
        raise EmptyInput
    if not isinstance(given, dict):
        raise InvalidParameter("input should be an object.")
    messages = read_conversation(given)
    options = body.get("parameters")
    if options is not None and not isinstance(options, dict):
        raise InvalidParameter("parameters should be an object.")
    parameters = read_parameters(options or {}, model.limits.output)
    return GenerationRequest(
        chat=ChatRequest(
            request_id=request_id,
            model=model.id,
            messages=messages,
            max_tokens=parameters.max_tokens,
            temperature=parameters.temperature,
            top_p=parameters.top_p,
            top_k=parameters.top_k,
            repetition_penalty=parameters.repetition_penalty,
            presence_penalty=parameters.presence_penalty,
            seed=parameters.seed,
            stop=parameters.stops.strings,
            stop_sequences=parameters.stops.sequences,
        ),
        result_format=parameters.result_format,
        incremental=parameters.incremental_output,
    )
