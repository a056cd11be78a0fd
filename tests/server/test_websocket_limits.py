"""Scopes, limits and usage of keys whose tasks come by websocket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from glmscope.server.accounts import Accounts
from glmscope.store.database import open_database
from glmscope.store.keyinfo import KeyLimits, KeyTerms
from glmscope.store.keys import KeyStore
from glmscope.store.usage import UsageStore
from tests.server.support import RunningServer, ask, serving
from tests.server.test_models import ids, page
from tests.server.websocket_client import run_task, websocket


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[tuple[RunningServer, KeyStore]]:
    with open_database(tmp_path / "glmscope.db") as database:
        keys = KeyStore(database)
        with serving(keys=keys, accounts=Accounts(UsageStore(database))) as own:
            yield own, keys


def with_key(server: RunningServer, keys: KeyStore, terms: KeyTerms) -> RunningServer:
    return replace(server, key=keys.create("limited", terms).key)


def test_a_key_for_one_model(limited: tuple[RunningServer, KeyStore]) -> None:
    server = with_key(*limited, KeyTerms(models=frozenset({"chatglm3-6b"})))
    other = {**ask(), "model": "chatglm-6b-v2"}
    with websocket(server) as client:
        client.send(run_task(payload=other))
        assert client.until_over().error == "Model.AccessDenied"
        assert client.run().error is None
    assert ids(page(server)) == ["chatglm3-6b"]
    assert server.ask(other, path="/api/v1/tokenizer").error == (403, "Model.AccessDenied")


def test_every_task_is_a_request(limited: tuple[RunningServer, KeyStore]) -> None:
    server = with_key(*limited, KeyTerms(limits=KeyLimits(requests_per_minute=2)))
    with websocket(server) as client:
        # An open websocket is no request, nor is further input.
        assert [client.run().error for _ in range(3)] == [None, None, "Throttling.RateQuota"]
    assert server.ask(ask()).error == (429, "Throttling.RateQuota")


def test_concurrent_tasks_are_counted_until_they_end(
    limited: tuple[RunningServer, KeyStore],
) -> None:
    server = with_key(*limited, KeyTerms(limits=KeyLimits(concurrent_requests=1)))
    with websocket(server) as first, websocket(server) as second:
        first.send(run_task("slow", max_tokens=30))
        assert first.receive()["header"]["event"] == "task-started"
        assert first.receive()["header"]["event"] == "result-generated"
        assert second.run().error == "Throttling.RateQuota"
        assert first.until_over().error is None
        assert second.run().error is None


def test_what_a_task_used_is_on_disk_when_its_answer_is_whole(
    limited: tuple[RunningServer, KeyStore],
) -> None:
    server = with_key(*limited, KeyTerms(limits=KeyLimits(tokens_per_month=12)))
    with websocket(server) as client:
        assert client.run(streaming="none").results[0]["usage"] == {
            "input_tokens": 3,
            "output_tokens": 10,
        }
        assert client.run().error == "Throttling.AllocationQuota"


def test_a_frame_right_after_a_task_does_not_take_its_account(
    limited: tuple[RunningServer, KeyStore],
) -> None:
    server = with_key(*limited, KeyTerms(limits=KeyLimits(tokens_per_month=12)))
    with websocket(server) as client:
        # While the task's key is looked up in the database, the frame after it is refused.
        client.send(run_task(task_id="counted"))
        client.send("nonsense")
        ends = [client.until_over() for _ in range(2)]
        assert sorted(end.error or "" for end in ends) == ["", "BadRequest.IllegalInput"]
        assert client.run().error == "Throttling.AllocationQuota"
