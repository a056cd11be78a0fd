"""What observers learn about a request, whatever became of it."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from glmscope.server.record import RequestRecord
from glmscope.store.keys import KeyStore
from tests.server.support import STREAM, ask, eventually, serving


class Notes:
    def __init__(self) -> None:
        self.ended: list[tuple[RequestRecord, int, float]] = []

    def finished(self, record: RequestRecord, status: int, seconds: float) -> None:
        self.ended.append((record, status, seconds))


class Broken:
    def finished(self, record: RequestRecord, status: int, seconds: float) -> None:
        raise ValueError(f"what a bug says about {record.request_id}")


@pytest.mark.parametrize("headers", [STREAM, {}], ids=["stream", "plain"])
def test_an_observer_learns_all_about_a_reply(keys: KeyStore, headers: dict[str, str]) -> None:
    notes = Notes()
    with serving(keys=keys, observers=[notes]) as server:
        answer = server.ask(ask("slow", max_tokens=5), headers)
        assert eventually(lambda: len(notes.ended) == 1)
    ((record, status, seconds),) = notes.ended
    assert record.request_id == answer.headers["x-request-id"]
    assert (status, record.wire, record.model) == (200, "dashscope", "chatglm3-6b")
    assert record.key
    assert record.key.name == "tests"
    assert record.usage
    assert record.usage.output_tokens == 5
    assert record.finish_reason == "length"
    assert record.queue_seconds is not None
    assert record.queue_seconds >= 0
    assert record.first_token_seconds is not None
    # The first piece may bring several tokens; all others are in the gaps. 20 ms each.
    assert 0 < sum(tokens for _gap, tokens in record.token_gaps) < 5
    assert all(gap > 0.01 * tokens for gap, tokens in record.token_gaps)
    waits = record.first_token_seconds + sum(gap for gap, _tokens in record.token_gaps)
    assert waits <= seconds


def test_an_observer_learns_of_refusals_and_of_clients_that_left(keys: KeyStore) -> None:
    notes = Notes()
    with serving(keys=keys, observers=[notes]) as server:
        server.ask(ask(), {"Authorization": "Bearer wrong"})
        server.ask(ask(), path="/nowhere")
        connection = server.connect()
        connection.send(ask("slow"), STREAM)
        connection.head()
        connection.close()
        assert eventually(lambda: len(notes.ended) == 3)
    (unknown, lost, left) = notes.ended
    assert (unknown[1], unknown[0].error, unknown[0].key) == (401, "InvalidApiKey", None)
    assert unknown[0].wire == "dashscope"
    assert (lost[1], lost[0].error, lost[0].wire) == (404, "NotFound", None)
    assert (left[1], left[0].disconnected) == (200, True)
    assert left[0].usage
    assert left[0].usage.output_tokens > 0


def test_a_broken_observer_harms_neither_the_answer_nor_the_others() -> None:
    notes = Notes()
    with serving(observers=[Broken(), notes]) as server, capture_logs() as logs:
        answer = server.ask(ask())
        assert eventually(lambda: len(notes.ended) == 1)
    assert answer.status == 200
    (failure,) = [line for line in logs if line["event"] == "observer_failed"]
    assert failure["observer"] == "Broken"
    assert failure["request_id"] == answer.headers["x-request-id"]
    assert "what a bug says" not in str(logs)
