"""What a client got is in the accounts, also when the server is killed right after."""

from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path

import pytest

from glmscope.store.database import open_database
from glmscope.store.keys import KeyStore
from glmscope.store.usage import UsageStore
from tests.cli.support import WAIT, Serving, serving


def connect(server: Serving, key: str, prompt: str, sse: bool) -> socket.socket:
    """A connection on which the request has been sent."""
    host, _, port = server.url.removeprefix("http://").partition("/")[0].partition(":")
    client = socket.create_connection((host, int(port)), timeout=WAIT)
    body = json.dumps({"model": "chatglm3-6b", "input": {"prompt": prompt}}).encode()
    client.sendall(
        b"POST /api/v1/services/aigc/text-generation/generation HTTP/1.1\r\nHost: x\r\n"
        b"Authorization: Bearer %b\r\nX-DashScope-SSE: %b\r\nContent-Length: %d\r\n\r\n%b"
        % (key.encode(), b"enable" if sse else b"", len(body), body)
    )
    return client


def read_until(client: socket.socket, end: bytes) -> bytes:
    received = b""
    while end not in received:
        piece = client.recv(65536)
        assert piece, received
        received += piece
    return received


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is a POSIX notion")
@pytest.mark.parametrize("sse", [False, True], ids=["plain", "stream"])
def test_a_reply_that_the_client_got_is_counted(target: str, tmp_path: Path, sse: bool) -> None:
    with open_database(target) as database:
        key = KeyStore(database).create("doomed")
    script = tmp_path / "script.json"
    rules = [{"match": "slow", "reply": "slowly, ", "repeat": 500, "delay_ms": 50}]
    script.write_text(json.dumps({"rules": [*rules, {"reply": "at once"}]}), "utf-8")
    arguments = ["--engine", "scripted", "--script", str(script), "--database", target]
    with serving(*arguments, errors=tmp_path / "errors") as server:
        in_flight = connect(server, key.key, "slow", sse=True)
        read_until(in_flight, b"event:result")
        for _ in range(3):
            with connect(server, key.key, "quick", sse) as client:
                # The last byte of the answer; in a stream nothing but the zero chunk follows.
                read_until(client, b'"finish_reason":"stop"')
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(WAIT)
        in_flight.close()
    with open_database(target) as database:
        (total,) = UsageStore(database).totals(by=["key"])
    assert (total.key_id, total.amount.requests) == (key.id, 3)
    assert total.amount.output_tokens > 0
