"""The bytes of an event stream. Sections 5.1 and 5.2."""

from __future__ import annotations

import json
import re
from typing import Any

from glmscope.conform.check import MismatchError, equal, expect, wire
from glmscope.conform.checks.inputs import good
from glmscope.conform.http import Answer
from glmscope.conform.script import CHARACTERS, CHARACTERS_REPLY, STOP, STOP_WORD
from glmscope.conform.target import GREEDY, STREAM, Target, body, user

_EVENT = re.compile(rb"id:(\d+)\nevent:result\n:HTTP_STATUS/200\ndata:([^\r\n]+)\n\n|:[^\r\n]*\n\n")
_QUESTION = "Say a few words."
_SHORT = {**GREEDY, "max_tokens": 20}


def stream(target: Target, prompt: str, **parameters: Any) -> Answer:
    """A streamed answer in text form."""
    return good(target.ask(body(prompt, **parameters), STREAM), "a stream")


def texts(answer: Answer) -> list[str]:
    """The text of every chunk."""
    return [str(data["output"]["text"]) for data in answer.data]


@wire(37)
def bytes_of_events(target: Target) -> None:
    sent = stream(target, _QUESTION, **_SHORT).body
    ids = []
    position = 0
    while position < len(sent):
        event = _EVENT.match(sent, position)
        if event is None:
            raise MismatchError(f"bytes that are no event: {sent[position : position + 80]!r}")
        if event[1]:
            ids.append(int(event[1]))
            json.loads(event[2])
        position = event.end()
    expect(ids, "no events")
    equal(ids, list(range(1, len(ids) + 1)), "ids")


@wire(38)
def stream_headers(target: Target) -> None:
    offered = {**STREAM, "Accept-Encoding": "gzip, deflate, br"}
    headers = good(target.ask(body(_QUESTION, **_SHORT), offered), "a stream").headers
    kind = headers.get("content-type", "")
    expect(re.fullmatch(r"text/event-stream(;\s*charset=utf-8)?", kind, re.I), f"type {kind}")
    equal(headers.get("transfer-encoding"), "chunked", "Transfer-Encoding")
    expect("content-encoding" not in headers, f"encoded as {headers.get('content-encoding')}")
    expect("no-cache" in headers.get("cache-control", ""), "no Cache-Control: no-cache")
    equal(headers.get("x-accel-buffering"), "no", "X-Accel-Buffering")


@wire(43)
def finish_reasons(target: Target) -> None:
    form = body([user(_QUESTION)], result_format="message", **_SHORT)
    in_messages = [
        data["output"]["choices"][0]["finish_reason"] for data in target.ask(form, STREAM).data
    ]
    in_text = [data["output"]["finish_reason"] for data in stream(target, _QUESTION, **_SHORT).data]
    for reasons in (in_text, in_messages):
        equal(set(reasons[:-1]) <= {"null"}, True, f"running chunks say {reasons[:-1]}")
        expect(reasons[-1] in ("stop", "length"), f"the last chunk says {reasons[-1]!r}")


@wire(44)
def usage(target: Target) -> None:
    answer = stream(target, _QUESTION, **_SHORT)
    counts = [data["usage"]["output_tokens"] for data in answer.data]
    expect(all(type(count) is int for count in counts), f"counts that are no integers: {counts}")
    equal(counts, sorted(counts), "output tokens")
    equal(len({data["usage"]["input_tokens"] for data in answer.data}), 1, "input counts")
    equal(len({data["request_id"] for data in answer.data}), 1, "request ids")
    equal(answer.headers.get("x-request-id"), answer.data[0]["request_id"], "x-request-id")


@wire(46, needs_script=True)
def whole_characters(target: Target) -> None:
    for incremental in (False, True):
        answer = stream(target, CHARACTERS, incremental_output=incremental, **GREEDY)
        chunks = texts(answer)
        expect(len(chunks) > 5, f"only {len(chunks)} chunks")
        for chunk in chunks:
            expect("\ufffd" not in chunk, f"U+FFFD in {chunk!r}")
        whole = "".join(chunks) if incremental else chunks[-1]
        equal(whole.strip(), CHARACTERS_REPLY, "text")


@wire(24, needs_script=True)
def stop_across_pieces(target: Target) -> None:
    for stop in (STOP_WORD, f"beta {STOP_WORD}", f"{STOP_WORD} gam"):
        before = "alpha beta HALT gamma".partition(stop)[0]
        for chunk in texts(stream(target, STOP, stop=stop, **GREEDY)):
            shown = chunk.lstrip("\n ")
            expect(before.startswith(shown.rstrip()), f"stop {stop!r}: shown {chunk!r}")
        equal(shown, before, f"stop {stop!r}: the whole text")


@wire(47)
def end_of_stream(target: Target) -> None:
    with target.connect() as connection:
        target.send(connection, body(_QUESTION, **_SHORT), STREAM)
        first = connection.answer()
        expect(b"[DONE]" not in first.body, "data:[DONE] on the native plane")
        expect(first.body.endswith(b"\n\n"), "the body does not end with an event")
        target.send(connection, body(_QUESTION, **_SHORT))
        good(connection.answer(), "a second request on the connection")
