"""A generation request's body → ChatRequest, checked in the protocol's order (section 7)."""

from __future__ import annotations

from dataclasses import dataclass

from glmscope.agent.plugins import PluginRequest
from glmscope.chat.request import ChatRequest
from glmscope.chat.service import ServedModel
from glmscope.errors import EmptyInput, InvalidParameter
from glmscope.server.dashscope.conversation import read_conversation
from glmscope.server.dashscope.parameters import read_parameters
from glmscope.server.dashscope.result import ResultShape
from glmscope.server.fields import Fields
from glmscope.server.plugins import read_plugins
from glmscope.server.record import RequestRecord


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """What to generate, and in which shape to say it."""

    chat: ChatRequest
    shape: ResultShape
    incremental: bool
    plugins: PluginRequest | None = None


def read_input(body: Fields) -> Fields:
    """`input` of a body. Raises EmptyInput and InvalidParameter."""
    given = body.get("input")
    if given is None:
        raise EmptyInput
    if not isinstance(given, dict):
        raise InvalidParameter("input should be an object.")
    return given


def read_generation(
    body: Fields,
    model: ServedModel,
    record: RequestRecord,
    plugin_header: str | None = None,
    *,
    whole: bool = False,
) -> GenerationRequest:
    """Input first, then parameters. Raises EmptyInput and InvalidParameter.

    Plugins are named in the header, or in `parameters`, which has room for files.
    """
    messages = read_conversation(read_input(body))
    options = body.get("parameters")
    if options is not None and not isinstance(options, dict):
        raise InvalidParameter("parameters should be an object.")
    options = options or {}
    parameters = read_parameters(options, model.limits.output)
    plugins = read_plugins(plugin_header, options)
    chat = ChatRequest(
        request_id=record.request_id,
        model=model.id,
        messages=messages,
        max_tokens=parameters.max_tokens,
        logprobs=parameters.logprobs,
        json_schema=parameters.json_schema,
        tools=parameters.tools,
        whole=whole,
        cache_scope=record.cache_scope,
        **parameters.sampling,
    )
    return GenerationRequest(
        chat=chat,
        shape=ResultShape(
            parameters.result_format,
            chat.n,
            logprobs=chat.logprobs is not None,
            plugins=plugins is not None,
        ),
        incremental=parameters.incremental_output,
        plugins=plugins,
    )
