"""What Prometheus is told, and what it is not."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from glmscope.chat.events import Usage
from glmscope.chat.service import ChatService, ServedModel
from glmscope.server import metrics as module
from glmscope.server.admission import Admission
from glmscope.server.metrics import Metrics
from glmscope.server.record import RequestRecord
from glmscope.server.settings import ServerSettings
from glmscope.store.keys import KeyStore
from tests.server.support import STREAM, RunningServer, ask, eventually, service_with, serving

Samples = dict[tuple[str, ...], float]


def samples(text: bytes) -> Samples:
    """Values by name and label values, labels in the order of their names."""
    return {
        (sample.name.removeprefix("glmscope_"), *(v for _, v in sorted(sample.labels.items()))): (
            sample.value
        )
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def shown(server: RunningServer) -> Samples:
    with server.connect() as connection:
        connection.send(b"", {"Authorization": ""}, "/metrics", "GET")
        answer = connection.answer()
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return samples(answer.body)


def sums(values: Samples, name: str) -> float:
    return sum(value for key, value in values.items() if key[0] == name)


def test_requests_are_counted_as_they_end(keys: KeyStore) -> None:
    with serving(keys=keys) as server:
        answer = server.ask(ask("slow", max_tokens=5), STREAM)
        server.ask(ask("fail at once"))
        server.ask(ask(top_p=2))
        server.ask(ask(), {"Authorization": "Bearer wrong"})
        server.ask(ask(), path="/nowhere")
        assert eventually(lambda: sums(shown(server), "requests_total") >= 5)
        values = shown(server)
    model = "chatglm3-6b"
    assert values["requests_total", model, "200", "dashscope"] == 1
    assert values["requests_total", model, "500", "dashscope"] == 1
    assert values["requests_total", model, "400", "dashscope"] == 1
    assert values["requests_total", "none", "401", "dashscope"] == 1
    assert values["requests_total", "none", "404", "none"] == 1
    assert values["errors_total", "InvalidApiKey", "none"] == 1
    assert values["errors_total", "InternalError.Algo", model] == 1
    usage = answer.events[-1]["usage"]
    assert values["output_tokens_total", model] == usage["output_tokens"] == 5
    assert values["input_tokens_total", model] == usage["input_tokens"]
    # The one that failed before its first token had its turn, too.
    assert values["queue_seconds_count", model] == 2
    assert values["first_token_seconds_count", model] == 1
    assert values["first_token_seconds_sum", model] > 0.01
    assert 1 <= values["token_seconds_count", model] < 5
    assert 0.02 <= values["token_seconds_sum", model] / values["token_seconds_count", model] < 1


def test_the_line_and_the_engines_are_read_off_at_the_moment() -> None:
    settings = ServerSettings(max_running=1, max_waiting=2, drain_seconds=0)
    with serving(settings=settings) as server:
        inside = [server.connect() for _ in range(3)]
        for connection in inside:
            connection.send(ask("endless silence"), STREAM)
        assert eventually(lambda: shown(server)["requests_waiting",] == 2)
        values = shown(server)
        assert server.ask(ask()).status == 429
        assert eventually(lambda: ("errors_total", "Throttling", "chatglm3-6b") in shown(server))
        for connection in inside:
            connection.close()
        assert eventually(lambda: shown(server)["requests_running",] == 0)
        assert shown(server)["disconnects_total", "chatglm3-6b"] == 3
    assert values["requests_running",] == 1
    assert values["sequences_running", "chatglm3-6b"] == 1
    assert values["sequences_waiting", "chatglm3-6b"] == 0
    assert values["kv_cache_used_ratio", "chatglm-6b-v2"] == 0


def test_nobody_learns_who_asks(keys: KeyStore) -> None:
    with serving(keys=keys) as server, server.connect() as connection:
        server.ask(ask("private words"))
        assert eventually(lambda: sums(shown(server), "requests_total") == 1)
        connection.send(b"", {"Authorization": ""}, "/metrics", "GET")
        text = connection.answer().body.decode()
    assert "private words" not in text
    assert 'key="' not in text
    for key in keys.list():
        assert key.id not in text
        assert key.name not in text


def ended(metrics: Metrics, key: str, **facts: object) -> None:
    record = RequestRecord(model="m", **facts)
    record.key = type("Key", (), {"id": key})()
    metrics.finished(record, 200, 0.1)


async def test_by_key_and_no_more_keys_than_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_KEYS", 2)
    admission = Admission(max_running=1, max_waiting=9)
    metrics = Metrics(service_with(), admission, by_key=True)
    for key in ("a", "b", "c", "d", "a"):
        ended(metrics, key, usage=Usage(10, 1))
    with admission.admit("a"), admission.admit("b"), admission.admit("b"):
        values = samples(metrics.text())
    assert values["input_tokens_total", "a", "m"] == 20
    assert values["input_tokens_total", "b", "m"] == 10
    assert values["input_tokens_total", "other", "m"] == 20
    assert ("input_tokens_total", "c", "m") not in values
    assert values["requests_waiting", "b"] == 2
    assert ("requests_waiting", "a") not in values


def test_a_gap_counts_once_for_every_token_it_brought() -> None:
    metrics = Metrics(service_with(), Admission(1, 1))
    ended(metrics, "a", token_gaps=[(0.3, 3), (0.04, 1), (0.5, 0)])
    values = samples(metrics.text())
    assert values["token_seconds_count", "m"] == 4
    assert values["token_seconds_sum", "m"] == pytest.approx(0.34)


def test_models_that_share_an_engine_are_one_row() -> None:
    one = next(iter(service_with().models.values()))
    twin = ServedModel("twin", one.tokenizer, one.engine, one.limits, "Twin")
    values = samples(Metrics(ChatService([one, twin]), Admission(1, 1)).text())
    assert values["sequences_running", f"{one.id},twin"] == 0
    assert ("sequences_running", "twin") not in values


def test_two_applications_share_nothing() -> None:
    first, second = (Metrics(service_with(), Admission(1, 1)) for _ in range(2))
    ended(first, "a")
    assert ("requests_total", "m", "200", "none") in samples(first.text())
    assert sums(samples(second.text()), "requests_total") == 0
    assert not [name for name in REGISTRY._names_to_collectors if "glmscope" in name]
