"""Overload and vanished clients, in this wire's shape."""

from __future__ import annotations

import pytest

from glmscope.server.settings import ServerSettings
from tests.server.openai.support import CHAT, COMPLETIONS, chat, completion
from tests.server.openai.test_errors import error_of
from tests.server.support import eventually, serving

NARROW = ServerSettings(max_running=1, max_waiting=0, retry_after_seconds=7)


def test_a_full_line_is_said_at_once() -> None:
    with serving(settings=NARROW) as server:
        with server.connect() as first:
            first.send(chat("endless silence"), path=CHAT)
            assert eventually(lambda: server.running() == 1)
            answer = server.ask(chat(stream=True), path=CHAT)
            assert error_of(answer) == (429, "rate_limit_exceeded", None)
            assert answer.json["error"]["type"] == "rate_limit_error"
            assert answer.headers["retry-after"] == "7"
        assert eventually(lambda: server.running() == 0)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("path", "body"),
    [(CHAT, chat("endless silence")), (COMPLETIONS, completion(["x", "endless silence"]))],
)
def test_a_client_that_goes_away_frees_its_place(
    path: str, body: dict[str, object], stream: bool
) -> None:
    with serving(settings=NARROW) as server:
        with server.connect() as connection:
            connection.send({**body, "stream": stream}, path=path)
            assert eventually(lambda: server.running() == 1)
        assert eventually(lambda: server.running() == 0)
        assert server.ask(chat(), path=CHAT).status == 200


def test_silence_is_kept_alive_and_read_over() -> None:
    with serving(settings=ServerSettings(keep_alive_seconds=0.1)) as server:
        answer = server.ask(chat("short silence", stream=True), path=CHAT)
        assert answer.body.startswith(b": keep-alive\n\n")
        assert b'"content":"\xe5\xa5\xbd"' in answer.body
        assert answer.body.endswith(b"data: [DONE]\n\n")
