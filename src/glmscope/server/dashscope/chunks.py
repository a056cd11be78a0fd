"""A reply folded into the JSON of its chunks, however they travel. DashScope protocol, 5.2, 5.3."""

from __future__ import annotations

from glmscope.chat.events import Finished, ReplyEvent, TextPiece
from glmscope.server import json_text
from glmscope.server.dashscope.parameters import ResultFormat
from glmscope.server.dashscope.result import RUNNING, result

# Stands for the text while a chunk is encoded. JSON leaves it as it is, and nothing else in a chunk
# (counts, fixed words, an id) can hold it.
_HOLE = "\ue000"
_HOLE_BYTES = _HOLE.encode()


class ChunkFold:
    """Makes each event of one reply into the JSON of one chunk.

    In cumulative mode every chunk repeats all text so far. The text is kept as escaped bytes that
    only grow, so a chunk costs its new piece to encode and the rest to copy, not all of it to
    encode again. Without `request_id` the chunks hold none.
    """

    def __init__(
        self, result_format: ResultFormat, incremental: bool, request_id: str | None
    ) -> None:
        self._result_format = result_format
        self._incremental = incremental
        self._request_id = request_id
        self._escaped = bytearray()

    def add(self, event: ReplyEvent) -> bytes:
        """The next chunk; the last one repeats the whole text, or is empty in incremental mode."""
        if self._incremental:
            self._escaped.clear()
        if isinstance(event, TextPiece):
            self._escaped += _escape(event.text)
        finish_reason = event.reason if isinstance(event, Finished) else RUNNING
        chunk = json_text.dump(
            result(self._result_format, _HOLE, finish_reason, event.usage, self._request_id)
        )
        before, _, after = chunk.partition(_HOLE_BYTES)
        return b"".join((before, self._escaped, after))


def _escape(text: str) -> bytes:
    """`text` as it stands between the quotes of a JSON string."""
    return json_text.dump(text)[1:-1]
