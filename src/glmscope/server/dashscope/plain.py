"""A reply folded into one JSON answer. DashScope protocol, section 4."""

from __future__ import annotations

from dataclasses import dataclass, field

from glmscope.chat.events import (
    CallPiece,
    Finished,
    PieceLogprob,
    ReplyEvent,
    TextPiece,
    ToolCall,
    Usage,
)
from glmscope.server import json_text
from glmscope.server.dashscope.result import ResultChoice, ResultShape, result, tool_call
from glmscope.server.plugin_messages import PluginMessages
from glmscope.server.token_logprobs import logprobs_content


@dataclass
class _Collected:
    """What has come of one choice."""

    pieces: list[str] = field(default_factory=list)
    tokens: list[PieceLogprob] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    messages: PluginMessages = field(default_factory=PluginMessages)


class PlainFold:
    """Collects the events of one reply. Without `request_id` the answer holds none."""

    media_type = "application/json"

    def __init__(self, shape: ResultShape, request_id: str | None) -> None:
        self._shape = shape
        self._request_id = request_id
        self._collected = [_Collected() for _ in range(shape.n)]
        self._ends: dict[int, Finished] = {}

    def add(self, event: ReplyEvent) -> bytes | None:
        """The answer's body once every choice has finished, None before."""
        collected = self._collected[event.index]
        collected.messages.add(event)
        if isinstance(event, TextPiece):
            collected.pieces.append(event.text)
            collected.tokens += event.logprobs
        elif isinstance(event, CallPiece):
            collected.calls.append(event.call)
        if not isinstance(event, Finished):
            return None
        self._ends[event.index] = event
        return self._body() if len(self._ends) == self._shape.n else None

    def _body(self) -> bytes:
        """`usage` counts the input once and the output of all choices."""
        choices = [
            ResultChoice(
                index,
                "".join(collected.pieces),
                self._ends[index].reason,
                logprobs_content(collected.tokens),
                [tool_call(call) for call in collected.calls],
                collected.messages.entries if self._shape.plugins else (),
            )
            for index, collected in enumerate(self._collected)
        ]
        usage = Usage(
            self._ends[0].usage.input_tokens,
            sum(end.usage.output_tokens for end in self._ends.values()),
        )
        return json_text.dump(result(self._shape, choices, usage, self._request_id))
