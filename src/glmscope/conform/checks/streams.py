"""Streams in time: early, unbatched, kept alive. Section 5."""

from __future__ import annotations

import time
from itertools import pairwise

from glmscope.conform.check import MismatchError, expect, wire
from glmscope.conform.checks.inputs import good
from glmscope.conform.http import Piece
from glmscope.conform.script import SILENCE, SLOWLY
from glmscope.conform.target import GREEDY, STREAM, Target, body

_LONGEST_SILENCE = 60.0
"""A comment has to come within so many seconds."""


@wire(45, needs_script=True, alone=True)
def early_and_unbatched(target: Target) -> None:
    asked = body(SLOWLY, incremental_output=True, **GREEDY)
    with target.connect() as connection:
        started = time.monotonic()
        target.send(connection, asked, STREAM)
        pieces = list(connection.pieces(good(connection.head(), "a stream")))
    whole = pieces[-1].at - started
    first = pieces[0].at - started
    expect(first < whole / 3, f"the first chunk came after {first:.2f} of {whole:.2f} s")
    expect(all(piece.data.count(b"\ndata:") <= 1 for piece in pieces), "events sent together")
    # 40 tokens at 25 ms: if they were held and sent in lumps, few moments would be seen.
    moments = _moments(pieces)
    expect(moments > 20, f"{len(pieces)} chunks arrived in {moments} lumps")


def _moments(pieces: list[Piece]) -> int:
    times = [piece.at for piece in pieces]
    return sum(later - earlier > 0.005 for earlier, later in pairwise(times))


@wire(53, needs_script=True)
def keep_alive(target: Target) -> None:
    asked = body(SILENCE, max_tokens=1, **GREEDY)
    with target.connect(timeout=_LONGEST_SILENCE) as connection:
        target.send(connection, asked, STREAM)
        received = []
        for piece in connection.pieces(good(connection.head(), "a stream")):
            received.append(piece.data)
    body_sent = b"".join(received)
    comment, _, events = body_sent.partition(b"id:1\n")
    if not comment.startswith(b":"):
        raise MismatchError("18 seconds of silence without a comment")
    expect(comment.endswith(b"\n\n"), f"a comment without a blank line after it: {comment!r}")
    expect(events.startswith(b"event:result\n"), "no event after the comment")
