"""What each key may ask, and that all of it is counted: on every wire, once, before the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone

import openai
import pytest
from dashscope import Client
from dashscope.v2 import errors
from dashscope.v2.transport import http

from glmscope.server.accounts import Accounts, LimitSettings
from glmscope.store.database import open_database
from glmscope.store.keyinfo import KeyLimits, KeyTerms, NewKey, Role
from glmscope.store.keys import KeyStore
from glmscope.store.usage import Amount, UsageKey, UsageStore
from tests.server.support import STREAM, Answer, RunningServer, ask, eventually, serving
from tests.server.websocket_client import websocket

USAGE = "/api/admin/v1/usage"
CHAT = "/compatible-mode/v1/chat/completions"


@dataclass
class Room:
    server: RunningServer
    keys: KeyStore
    usage: UsageStore

    def key(self, models: list[str] | None = None, **limits: int) -> NewKey:
        scope = None if models is None else frozenset(models)
        return self.keys.create("limited", KeyTerms(models=scope, limits=KeyLimits(**limits)))

    def ask(self, key: NewKey, prompt: str = "hello", stream: bool = False) -> Answer:
        headers = {"Authorization": f"Bearer {key.key}", **(STREAM if stream else {})}
        return self.server.ask(ask(prompt), headers)

    def used(self, key: NewKey) -> Amount:
        totals = self.usage.totals(by=["key"], key_id=key.id)
        return totals[0].amount if totals else Amount()


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with open_database(tmp_path_factory.mktemp("store") / "glmscope.db") as database:
        keys, usage = KeyStore(database), UsageStore(database)
        accounts = Accounts(usage, LimitSettings(KeyLimits(requests_per_minute=50)))
        with serving(keys=keys, accounts=accounts) as server:
            yield Room(server, keys, usage)


def refused(answer: Answer, code: str) -> Answer:
    assert answer.error == (429, code)
    assert answer.headers["content-type"] == "application/json"
    assert int(answer.headers["retry-after"]) >= 1
    return answer


def test_requests_a_minute(room: Room) -> None:
    key = room.key(requests_per_minute=2)
    for remaining in ("1", "0"):
        answer = room.ask(key)
        assert answer.status == 200
        assert answer.headers["x-ratelimit-limit-requests"] == "2"
        assert answer.headers["x-ratelimit-remaining-requests"] == remaining
    answer = refused(room.ask(key), "Throttling.RateQuota")
    assert 50 <= int(answer.headers["retry-after"]) <= 60
    assert answer.headers["x-ratelimit-reset-requests"] == answer.headers["retry-after"]
    assert room.used(key).requests == 2
    assert room.ask(room.key()).headers["x-ratelimit-limit-requests"] == "50"


def test_a_key_without_limits_has_no_headers_of_limits(room: Room) -> None:
    answer = room.ask(room.key(requests_per_minute=0))
    assert not [name for name in answer.headers if name.startswith("x-ratelimit")]


def test_a_changed_limit_holds_for_the_next_request(room: Room) -> None:
    key = room.key(requests_per_minute=1)
    assert room.ask(key).status == 200
    refused(room.ask(key), "Throttling.RateQuota")
    room.keys.change(key.id, key.name, KeyTerms(limits=KeyLimits(requests_per_minute=9)))
    assert room.ask(key).status == 200


def test_tokens_a_minute_are_charged_at_the_door_and_settled_at_the_end(room: Room) -> None:
    key = room.key(tokens_per_minute=20)
    first = room.ask(key)
    usage = first.json["usage"]
    assert first.headers["x-ratelimit-remaining-tokens"] == str(20 - usage["input_tokens"])
    assert usage["input_tokens"] + usage["output_tokens"] < 20
    second = room.ask(key)  # let in because something is left, and finished although it is not
    assert second.status == 200
    answer = refused(room.ask(key), "Throttling.AllocationQuota")
    assert answer.headers["x-ratelimit-remaining-tokens"] == "0"
    assert 1 <= int(answer.headers["x-ratelimit-reset-tokens"]) <= 60
    assert room.used(key).requests == 2


def test_tokens_a_month_count_what_is_running(room: Room) -> None:
    key = room.key(tokens_per_month=1000)
    today = datetime.now(timezone.utc).date()
    room.usage.add({UsageKey(key.id, "chatglm3-6b", today): Amount(1, 500, 400)})
    assert room.ask(key).status == 200
    with room.server.connect() as running:
        running.send(ask("slow"), {"Authorization": f"Bearer {key.key}", **STREAM})
        running.head()
        assert eventually(lambda: room.ask(key, "x " * 40).status == 429)
        answer = refused(room.ask(key, "x " * 40), "Throttling.AllocationQuota")
        assert "1000 tokens of the month" in answer.json["message"]
        # The SDK would obey, and sleep for weeks.
        assert answer.headers["x-should-retry"] == "false"
        assert int(answer.headers["retry-after"]) <= 31 * 86400


def test_requests_at_the_same_time(room: Room) -> None:
    key = room.key(concurrent_requests=1)
    with room.server.connect() as running:
        running.send(ask("slow"), {"Authorization": f"Bearer {key.key}", **STREAM})
        running.head()
        answer = refused(room.ask(key), "Throttling.RateQuota")
        assert "1 requests at the same time" in answer.json["message"]
        assert room.ask(room.key()).status == 200
    assert eventually(lambda: room.ask(key).status == 200)


@pytest.mark.parametrize("stream", [False, True])
def test_a_reply_is_counted_before_its_last_byte_leaves(room: Room, stream: bool) -> None:
    key = room.key()
    answer = room.ask(key, stream=stream)
    told = (answer.events[-1] if stream else answer.json)["usage"]
    assert room.used(key) == Amount(1, told["input_tokens"], told["output_tokens"])
    (total,) = room.usage.totals(key_id=key.id)
    assert (total.model, total.day) == ("chatglm3-6b", datetime.now(timezone.utc).date())


def test_every_wire_is_counted_and_limited(room: Room) -> None:
    key = room.key(requests_per_minute=3)
    room.server.key, before = key.key, room.server.key
    try:
        assert room.ask(key).status == 200
        with websocket(room.server) as socket:
            assert socket.run().events[-1] == "task-finished"
            client = openai.OpenAI(
                api_key=key.key, base_url=f"{room.server.url}/compatible-mode/v1", max_retries=0
            )
            with client:
                client.chat.completions.create(
                    model="chatglm3-6b", messages=[{"role": "user", "content": "hello"}]
                )
                assert room.used(key).requests == 3
                with pytest.raises(openai.RateLimitError) as caught:
                    client.chat.completions.create(
                        model="chatglm3-6b", messages=[{"role": "user", "content": "hello"}]
                    )
            assert caught.value.response.headers["retry-after"]
            assert caught.value.code is not None
            failed = socket.run().frames[-1]
            assert failed["header"]["event"] == "task-failed"
            assert failed["header"]["error_code"] == "Throttling.RateQuota"
    finally:
        room.server.key = before
    assert room.used(key).requests == 3


def test_what_a_client_did_not_wait_for_is_counted_as_far_as_it_was_made(room: Room) -> None:
    key = room.key()
    with room.server.connect() as leaving:
        leaving.send(ask("slow"), {"Authorization": f"Bearer {key.key}", **STREAM})
        leaving.head()
        chunks = leaving.chunks()
        for _ in range(5):
            next(chunks)
    assert eventually(lambda: room.used(key).requests == 1)
    assert 3 <= room.used(key).output_tokens < 1500


def test_a_reply_that_fails_counts_what_was_made(room: Room) -> None:
    key = room.key()
    assert room.ask(key, "fail at once").status == 500
    assert room.used(key) == Amount()
    assert room.ask(key, "fail later", stream=True).events[-1]["code"] == "InternalError.Algo"
    assert eventually(lambda: room.used(key).requests == 1)
    assert room.used(key).output_tokens > 0


def test_what_is_refused_is_not_counted(room: Room) -> None:
    key = room.key(models=["chatglm3-6b"])
    answer = room.server.ask(
        {"model": "chatglm-6b-v2", "input": {}}, {"Authorization": f"Bearer {key.key}"}
    )
    assert answer.error == (403, "Model.AccessDenied")
    unknown = room.server.ask({"model": "gpt"}, {"Authorization": f"Bearer {key.key}"})
    assert unknown.error == (404, "ModelNotFound")
    assert room.used(key) == Amount()
    assert room.ask(key).status == 200


def test_a_scope_holds_on_every_wire(room: Room) -> None:
    key = room.key(models=["chatglm-6b-v2"])
    bearer = {"Authorization": f"Bearer {key.key}"}
    body = {"model": "chatglm3-6b", "messages": [{"role": "user", "content": "hello"}]}
    assert room.server.ask(body, bearer, CHAT).status == 403
    tokenizer = {"model": "chatglm3-6b", "input": {"prompt": "hello"}}
    assert room.server.ask(tokenizer, bearer, "/api/v1/tokenizer").error[0] == 403
    room.server.key, before = key.key, room.server.key
    try:
        with websocket(room.server) as socket:
            assert socket.run().frames[-1]["header"]["error_code"] == "Model.AccessDenied"
    finally:
        room.server.key = before


def test_the_accounts_open_for_an_admin_alone(room: Room) -> None:
    admin = room.keys.create("admin", KeyTerms(role=Role.ADMIN))
    key = room.key()
    told = room.ask(key).json["usage"]

    def read(query: str, key: NewKey) -> Answer:
        with room.server.connect() as connection:
            bearer = {"Authorization": f"Bearer {key.key}"}
            connection.send(b"", bearer, USAGE + query, "GET")
            return connection.answer()

    (row,) = read(f"?key={key.id}", admin).json["usage"]
    assert row["key_name"] == "limited"
    assert row["output_tokens"] == told["output_tokens"]
    assert row["day"] == datetime.now(timezone.utc).date().isoformat()
    (total,) = read("?by=model&since=2026-01-01&until=2999-01-01", admin).json["usage"]
    assert list(total) == ["model", "requests", "input_tokens", "output_tokens", "total_tokens"]
    assert read("?by=keys", admin).error == (400, "InvalidParameter")
    assert read("?since=yesterday", admin).error == (400, "InvalidParameter")
    assert read("", key).error == (403, "AccessDenied")
    assert room.ask(admin).error == (403, "AccessDenied")


def test_the_sdks_client_does_not_wait_for_the_next_month(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = room.key(tokens_per_month=1)
    slept: list[float] = []
    monkeypatch.setattr(http, "_sleep", slept.append)
    with (
        Client(api_key=key.key, base_url=f"{room.server.url}/api/v1") as client,
        pytest.raises(errors.RateLimitError),
    ):
        client.chat.completions.create(
            model="chatglm3-6b", messages=[{"role": "user", "content": "hello"}]
        )
    assert slept == []


def test_many_at_once_are_counted_once_each(room: Room) -> None:
    key = room.key(requests_per_minute=0)
    connections = [room.server.connect() for _ in range(20)]
    try:
        for connection in connections:
            connection.send(ask(), {"Authorization": f"Bearer {key.key}"})
        answers = [connection.answer().json["usage"] for connection in connections]
    finally:
        for connection in connections:
            connection.close()
    assert room.used(key) == Amount(
        20,
        sum(usage["input_tokens"] for usage in answers),
        sum(usage["output_tokens"] for usage in answers),
    )
