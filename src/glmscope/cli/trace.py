"""`glmscope trace`: Prompt X-ray of one request."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.text import Text

from glmscope.cli.console import out, printable, say
from glmscope.cli.remote_server import RemoteServer

_TRACES = "/api/admin/v1/traces/"
_STYLES = {
    "special": "bold magenta",
    "system": "yellow",
    "user": "green",
    "assistant": "cyan",
    "observation": "blue",
    "text": "",
}
_OPENING_PIECE = "<|"
"""Begins the names of the ids that begin a turn."""

Fields = Mapping[str, Any]


def trace(
    request_id: Annotated[
        str, typer.Argument(metavar="REQUEST_ID", help="As in the answer, or x-request-id.")
    ],
    server: Annotated[
        str, typer.Option(help="Address of the server that answered.")
    ] = "http://127.0.0.1:8000",
    key: Annotated[
        str | None,
        typer.Option(
            envvar=["GLMSCOPE_ADMIN_KEY", "DASHSCOPE_API_KEY"],
            help="An admin key, or the key that asked; a server with --no-auth wants none.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the trace as JSON.")] = False,
) -> None:
    """Show what the model really read and wrote, what was trimmed, and what ended the reply.

    Tokens are shown as PIECE·ID, coloured by role; a server keeps them only with --trace.
    """
    # As OpenAI's objects show it: kind and id.
    bare_id = request_id.removeprefix("chatcmpl-").removeprefix("cmpl-")
    with RemoteServer(server, key).open(_TRACES + quote(bare_id, safe="")) as response:
        found = json.load(response)
        lines = [json.dumps(found, ensure_ascii=False, indent=2)] if as_json else _lines(found)
        for line in lines:
            if isinstance(line, str):
                say(line)
            else:
                out.print(line, soft_wrap=True)


def _lines(found: Fields) -> Iterator[str | Text]:
    ended = found["error"] or f"status {found['status']}"
    if found["disconnected"]:
        ended += ", the client left"
    yield f"{found['request_id']}  {found['model']} over {found['wire']}, {ended}"
    yield f"  ended at  {found['ended_at']}, key {found['key_id'] or '-'}"
    yield f"  seconds   {_named(found['seconds'])}"
    yield f"  usage     {_named(found['usage'] or {})}"
    for reply in found["replies"]:
        yield from _reply(reply)


def _reply(reply: Fields) -> Iterator[str | Text]:
    yield ""
    yield f"Prompt, {reply['prompt']['count']} ids"
    yield f"  trimmed   {_named(reply['trimmed'])}"
    stop_ids = [f"{stop['piece']}·{stop['id']}" for stop in reply["sampling"]["stop_ids"]]
    sampling = {**reply["sampling"], "calls": _calls(reply["sampling"]["calls"])}
    yield f"  sampling  {_named({**sampling, 'stop_ids': ' '.join(stop_ids)})}"
    yield from _tokens(reply["prompt"]["tokens"])
    for index, choice in enumerate(reply["choices"]):
        name = f"Choice {index}" if len(reply["choices"]) > 1 else "Reply"
        yield ""
        yield f"{name}, {choice['count']} ids"
        yield from _tokens(choice["tokens"])
        for reading in choice["readings"]:
            yield f"  read as: {_reading(reading)}"
        yield f"  ended by: {_end(choice['end'])}"
    for step in reply["steps"]:
        yield ""
        yield printable(f"Plugin {step['plugin']}: {step['outcome']}")
        yield f"  seconds {step['seconds']}, {step['characters']} characters for the model"


def _calls(rule: Fields | None) -> str | None:
    """Which tools the reply could call; their schemas are in the JSON."""
    if rule is None:
        return None
    names = " ".join(tool["name"] for tool in rule["tools"]) or "(not kept)"
    return f"{'required' if rule['must_call'] else 'free'} of {names}"


def _named(values: Fields) -> str:
    given = {name: value for name, value in values.items() if value is not None}
    return printable(", ".join(f"{name} {value}" for name, value in given.items())) or "-"


def _tokens(tokens: Sequence[Fields] | None) -> Iterator[Text]:
    """A line for each turn."""
    if tokens is None:
        yield Text("  (not kept: the server runs without --trace)", style="dim")
        return
    turn = 0

    def turn_of(token: Fields) -> int:
        nonlocal turn
        if token["role"] == "special" and token["piece"].startswith(_OPENING_PIECE):
            turn += 1
        return turn

    for _, group in groupby(tokens, turn_of):
        line = Text("  ")
        for token in group:
            line.append(printable(token["piece"]) or "?", _STYLES[token["role"]])
            line.append(f"·{token['id']} ", "dim")
        yield line


def _reading(reading: Fields) -> str:
    if reading["kind"] == "text":
        return printable(f"a text, because {reading['reason']}")
    return printable("a call; repaired: " + (", ".join(reading["repairs"]) or "nothing"))


def _end(end: Fields | None) -> str:
    if end is None:
        return "nothing, it broke off"
    what = end["what"]
    sentences = {
        "token": f"the stop id {what} {end.get('piece', '')}".rstrip(),
        "stop_string": f"the stop string {json.dumps(what, ensure_ascii=False)}",
        "stop_sequence": f"the stop sequence {what}",
        "limit": "the limit of tokens",
        "loop": f"the loop brake: a cycle of {what} ids",
    }
    return printable(sentences[end["kind"]].replace(" null", "").replace(" None", ""))
