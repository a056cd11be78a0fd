"""What a request asks for against what a model and its engine can do."""

from __future__ import annotations

from glmscope.chat.request import ChatRequest, ReplyRequest
from glmscope.engine.engine import Engine
from glmscope.engine.json_schema import read_json_schema
from glmscope.errors import InvalidParameter
from glmscope.family import Family


def check_abilities(engine: Engine, request: ReplyRequest) -> None:
    """Refuse what the model's engine cannot do or follow, in a sentence that names it."""
    able = engine.abilities
    if request.logprobs is not None and "logprobs" not in able:
        raise InvalidParameter("This model does not support logprobs.", param="logprobs")
    if request.json_schema is not None:
        if "json" not in able:
            raise InvalidParameter(
                "This model does not support response_format with JSON.", param="response_format"
            )
        if request.stop or request.stop_sequences:
            raise InvalidParameter(
                "stop cannot be combined with a JSON response_format: it would cut the JSON short.",
                param="stop",
            )
        read_json_schema(request.json_schema)


def check_tools(engine: Engine, family: Family, request: ChatRequest, *, trained: bool) -> None:
    """Refuse tools where the model, or its engine, cannot do with them what is asked.

    `trained`: whether the network was trained to call any, as far as its family is.
    """
    offer = request.tools
    if offer is None:
        return
    check_trained_for_tools(family, trained=trained)
    if offer.must_call and "calls" not in engine.abilities:
        raise InvalidParameter(
            'This model cannot be made to call a tool: tool_choice should be "auto" or "none".',
            param="tool_choice",
        )
    if request.json_schema is not None:
        raise InvalidParameter(
            "response_format with JSON cannot be combined with tools.", param="response_format"
        )


def check_trained_for_tools(family: Family, *, trained: bool) -> None:
    """Refuse tools for a model that calls none; `trained` is as in `check_tools`."""
    if family is Family.CHATGLM2 or not trained:
        reason = (
            "ChatGLM2 was not trained to call them, ChatGLM3 was"
            if family is Family.CHATGLM2
            else "a base model continues texts and was not trained to call them"
        )
        raise InvalidParameter(f"This model does not support tools: {reason}.", param="tools")
