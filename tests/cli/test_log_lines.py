"""What strangers send leaves lines like any other in the log: objects, without traces."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cli.support import WAIT, serving

UPGRADE = (
    b"GET /api-ws/v1/inference HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
NOT_UTF_8 = b"\x81\x82" + bytes(4) + b"\xff\xfe"
"""A text frame with a mask of zeros."""


@pytest.mark.parametrize("options", [[], ["--log-prompts"]], ids=["usual", "with texts"])
def test_what_is_no_request_and_what_is_no_text(tmp_path: Path, options: list[str]) -> None:
    errors = tmp_path / "errors"
    with serving("--engine", "scripted", "--no-auth", *options, errors=errors) as server:
        parts = urlsplit(server.url)
        address = (str(parts.hostname), parts.port)
        with socket.create_connection(address, WAIT) as client:
            client.sendall(b"\x16\x03\x01 this is TLS\r\n\r\n")
            assert client.recv(12) == b"HTTP/1.1 400"
        with socket.create_connection(address, WAIT) as client, client.makefile("rb") as answer:
            client.sendall(UPGRADE)
            assert answer.readline().startswith(b"HTTP/1.1 101")
            while answer.readline() != b"\r\n":
                pass
            client.sendall(NOT_UTF_8)
            assert answer.read()[2:4] == (1007).to_bytes(2, "big")
        server.process.terminate()
        assert server.process.wait(WAIT) == 0
    *lines, last = errors.read_text(encoding="utf-8").splitlines()
    assert last == "Stopped."
    written = [json.loads(line) for line in lines]
    assert [(line["level"], line["event"]) for line in written] == [
        ("warning", "Invalid HTTP request received."),
    ]
    assert written[0].keys() == {"event", "level", "logger", "timestamp"}
