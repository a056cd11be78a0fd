"""Calls of tools in this wire's JSON, whole and in a stream."""

from __future__ import annotations

from collections.abc import Sequence

from glmscope.chat.events import ReplyFinish, ToolCall
from glmscope.server.openai.folds import Json


def message_calls(calls: Sequence[ToolCall], old: bool) -> Json:
    """What calls add to a message; `old`: as the single `function_call` of former times."""
    if not calls:
        return {}
    if old:
        return {"function_call": {"name": calls[0].name, "arguments": calls[0].arguments}}
    return {
        "tool_calls": [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in calls
        ]
    }


def call_deltas(call: ToolCall, old: bool) -> list[Json]:
    """First what is called, then with which arguments: clients join the strings."""
    opening = {"name": call.name, "arguments": ""}
    arguments = {"arguments": call.arguments}
    if old:
        return [{"function_call": opening}, {"function_call": arguments}]
    begun = {"index": call.number, "id": call.id, "type": "function", "function": opening}
    return [
        {"tool_calls": [begun]},
        {"tool_calls": [{"index": call.number, "function": arguments}]},
    ]


def finish_reason(reason: ReplyFinish, old: bool) -> str:
    """Why a choice has ended, in the words that belong to its form."""
    return "function_call" if old and reason == "tool_calls" else reason
