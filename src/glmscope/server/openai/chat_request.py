"""A chat completion's body → ChatRequest."""

from __future__ import annotations

from dataclasses import dataclass, replace

from glmscope.agent.plugins import PluginRequest
from glmscope.chat.request import ChatRequest, Role
from glmscope.chat.service import ServedModel
from glmscope.errors import EmptyInput
from glmscope.server import fields
from glmscope.server.fields import Fields, Interval
from glmscope.server.messages import read_messages
from glmscope.server.openai.parameters import Streaming, read_streaming, refuse_foreign
from glmscope.server.plugins import read_plugins
from glmscope.server.record import RequestRecord
from glmscope.server.reply_form import read_json_schema, read_logprobs
from glmscope.server.sampling import read_sampling
from glmscope.server.tools import read_tools

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
    "plugin": "tool",
}


@dataclass(frozen=True, slots=True)
class ChatCall:
    """What to generate, and how to send it."""

    chat: ChatRequest
    streaming: Streaming
    old_calls: bool
    """Whether a call is to be told as the `function_call` of former times."""
    plugins: PluginRequest | None = None


def read_chat(body: Fields, model: ServedModel, record: RequestRecord) -> ChatCall:
    """Messages first, then parameters. Raises EmptyInput and InvalidParameter."""
    messages = body.get("messages")
    if messages is None:
        raise EmptyInput('Required parameter "messages" missing from request.')
    conversation = read_messages(messages, ROLES)
    refuse_foreign(body)
    longest = Interval(1, model.limits.output)
    max_tokens = fields.integer(body, "max_tokens", longest)
    tools = read_tools(body)
    newer = fields.integer(body, "max_completion_tokens", longest)
    chat = ChatRequest(
        request_id=record.request_id,
        model=model.id,
        messages=conversation,
        max_tokens=max_tokens if newer is None else newer,
        logprobs=read_logprobs(body),
        json_schema=read_json_schema(body),
        tools=tools.offer,
        cache_scope=record.cache_scope,
        **read_sampling(body),
    )
    plugins = read_plugins(None, body)
    streaming = read_streaming(body)
    chat = replace(chat, whole=not streaming.wanted)
    return ChatCall(chat, streaming, tools.old, plugins)
