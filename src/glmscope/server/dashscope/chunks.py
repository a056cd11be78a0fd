"""A reply folded into the JSON of its chunks, however they travel. DashScope protocol, 5.2, 5.3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from glmscope.chat.events import (
    CallPiece,
    Finished,
    PieceLogprob,
    ReplyEvent,
    TextPiece,
    ToolCall,
)
from glmscope.server import json_text
from glmscope.server.dashscope.result import (
    RUNNING,
    ResultChoice,
    ResultShape,
    result,
    tool_call,
)
from glmscope.server.plugin_messages import PluginMessages
from glmscope.server.token_logprobs import logprobs_content

# These stand for the text and for the entries of its tokens while a chunk is encoded. JSON leaves
# them as they are, and nothing before them in a chunk (counts, fixed words, an id) holds them.
_TEXT_HOLE = "\ue000"
_TOKENS_HOLE = "\ue001"


@dataclass
class _Said:
    """One choice so far, as it stands in JSON."""

    text: bytearray = field(default_factory=bytearray)
    tokens: bytearray = field(default_factory=bytearray)
    calls: list[ToolCall] = field(default_factory=list)

    def add(self, piece: ReplyEvent) -> None:
        if isinstance(piece, CallPiece):
            self.calls.append(piece.call)
        if not isinstance(piece, TextPiece):
            return
        self.text += json_text.dump(piece.text)[1:-1]  # what stands between the quotes
        if piece.logprobs:
            self.tokens += b"," if self.tokens else b""
            self.tokens += _entries(piece.logprobs)


class ChunkFold:
    """Makes each event of one reply into the JSON of one chunk, of one choice.

    In cumulative mode every chunk repeats all of its choice so far. That is kept as JSON that only
    grows, so a chunk costs its new piece to encode and the rest to copy, not all of it to encode
    again. Without `request_id` the chunks hold none.

    With plugins, a chunk that adds to `messages` holds them: the new one, or in cumulative mode all
    so far. The others do not, for pictures are large.
    """

    def __init__(self, shape: ResultShape, incremental: bool, request_id: str | None) -> None:
        self._shape = shape
        self._incremental = incremental
        self._request_id = request_id
        self._said = [_Said() for _ in range(shape.n)]
        self._messages = PluginMessages() if shape.plugins else None
        self._counted = [0] * shape.n

    def add(self, event: ReplyEvent) -> bytes:
        """The next chunk; a choice's last one repeats it, or is empty in incremental mode.

        The output count never falls, although a loop that was noticed at last does not count.
        """
        if self._incremental:
            self._said[event.index] = _Said()
        said = self._said[event.index]
        said.add(event)
        finish_reason = event.reason if isinstance(event, Finished) else RUNNING
        # A call stands behind the first hole, and in its JSON text no quote stands by itself.
        calls = [tool_call(call) for call in said.calls]
        choice = ResultChoice(
            event.index,
            _TEXT_HOLE,
            finish_reason,
            (_TOKENS_HOLE,),
            calls,
            self._new_messages(event),
        )
        counted = max(self._counted[event.index], event.usage.output_tokens)
        self._counted[event.index] = counted
        usage = replace(event.usage, output_tokens=counted)
        chunk = json_text.dump(result(self._shape, [choice], usage, self._request_id))
        before, _, after = chunk.partition(_TEXT_HOLE.encode())
        if not self._shape.logprobs:
            return b"".join((before, said.text, after))
        between, _, after = after.partition(json_text.dump(_TOKENS_HOLE))
        return b"".join((before, said.text, between, said.tokens, after))

    def _new_messages(self, event: ReplyEvent) -> Sequence[Any]:
        if self._messages is None:
            return ()
        new = self._messages.add(event)
        return new if self._incremental or not new else self._messages.entries


def _entries(tokens: tuple[PieceLogprob, ...]) -> bytes:
    """Entries as they stand between the brackets of a JSON list."""
    return json_text.dump(logprobs_content(tokens))[1:-1]
