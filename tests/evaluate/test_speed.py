"""Against a server of a page: what is asked, and what is made of its answers."""

from __future__ import annotations

import sys

import pytest

from glmscope.errors import ServiceError
from glmscope.evaluate import speed
from glmscope.evaluate.speed import measure_speed

SERVER = """
import http.server, json, sys
refusals = 3
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        global refusals
        refusals -= 1
        self.answer(200 if refusals < 0 else 503, b'{"models": ["nano", "other"]}')
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        good = body["model"] == "nano" and self.headers["X-DashScope-SSE"] == "enable"
        event = b'id:1\\ndata:{"usage":{"output_tokens":%d}}\\n\\n'
        self.answer(200 if good else 400, event % 1 + event % 40)
    def answer(self, status, body):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(f"It answers at http://127.0.0.1:{server.server_port}/", flush=True)
server.serve_forever()
"""


def test_it_waits_until_requests_are_let_in_and_counts_tokens() -> None:
    found = measure_speed([sys.executable, "-c", SERVER])
    assert 0 < found.start_seconds < found.first_token_seconds < speed.START_SECONDS
    assert found.tokens_per_second > 0


def test_a_server_that_ends_is_said() -> None:
    with pytest.raises(ServiceError, match="ended before it could answer"):
        measure_speed([sys.executable, "-c", "print('no address')"])


def test_a_server_that_is_never_ready_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "START_SECONDS", 1.0)
    never = SERVER.replace("refusals = 3", "refusals = 10 ** 9")
    with pytest.raises(ServiceError, match="does not answer: "):
        measure_speed([sys.executable, "-c", never])


def test_a_refusal_is_said() -> None:
    refusing = SERVER.replace('body["model"] == "nano"', "False")
    with pytest.raises(ServiceError, match="HTTP Error 400"):
        measure_speed([sys.executable, "-c", refusing])
