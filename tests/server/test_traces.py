"""Prompt X-ray: what is kept, for how long, and who may see it."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from glmscope.chat.events import Usage
from glmscope.chat.trace import ChoiceTrace, ReplyEnd, ReplyTrace
from glmscope.engine.engine import Sampling
from glmscope.server.record import RequestRecord
from glmscope.server.settings import ServerSettings
from glmscope.server.traces import TraceStore
from glmscope.store.keyinfo import KeyTerms, Role
from glmscope.store.keys import KeyStore
from tests.server.support import STREAM, Answer, RunningServer, ask, eventually, serving

TRACES = "/api/admin/v1/traces/"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def ended(
    store: TraceStore, request_id: str, key: str | None = None, prompt: int = 10, reply: int = 5
) -> None:
    record = RequestRecord(request_id=request_id, model="m", usage=Usage(prompt, reply))
    record.key = key and type("Key", (), {"id": key})()
    trace = ReplyTrace(
        prompt_ids=list(range(1000, 1000 + prompt)),
        input_tokens=prompt,
        dropped_turns=0,
        dropped_tokens=0,
        sampling=Sampling(100, json_schema='{"title": "secret"}'),
        choices=(ChoiceTrace(list(range(reply)), ReplyEnd("stop_string", "secret")),),
    )
    record.traces = (trace,)
    store.finished(record, 200, 0.5)


def keeping(**settings: Any) -> TraceStore:
    return TraceStore(**{"texts": True, "max_bytes": 10**6, "max_seconds": 100, **settings})


def test_ids_and_texts_are_kept_only_on_request() -> None:
    for texts in (True, False):
        store = keeping(texts=texts)
        ended(store, "r")
        trace = store.find("r")
        assert trace
        (kept,) = trace.replies
        (choice,) = kept.choices
        assert (kept.prompt_count, choice.count) == (10, 5)
        assert kept.sampling.max_new_tokens == 100
        assert choice.end
        assert choice.end.kind == "stop_string"
        assert ("secret" in str(trace)) is texts
        assert (kept.prompt_ids is not None) is texts
        assert (choice.ids is not None) is texts


def test_traces_end_after_their_time() -> None:
    clock = Clock()
    store = keeping(clock=clock)
    ended(store, "early")
    clock.now += 60
    ended(store, "late")
    clock.now += 60
    assert store.find("early") is None
    assert store.find("late")
    clock.now += 60
    assert store.find_own("late", "k") is None
    assert store.find("late") is None
    assert store.size == 0


def test_the_oldest_make_room() -> None:
    store = keeping(max_bytes=50_000)
    for number in range(1000):
        ended(store, f"r{number}", prompt=1000)
        assert 0 < store.size <= 50_000
    assert store.find("r999")
    assert store.find("r0") is None


def test_a_trace_that_is_too_large_is_not_kept() -> None:
    store = keeping(max_bytes=10_000)
    ended(store, "small")
    ended(store, "large", prompt=6000)
    assert store.find("large") is None
    assert store.size == 0


@pytest.mark.parametrize("texts", [True, False])
def test_a_trace_takes_no_more_than_it_is_taken_for(texts: bool) -> None:
    store = keeping(texts=texts, max_bytes=10**9)
    ended(store, "warm-up", "key", prompt=700, reply=300)
    before = store.size
    tracemalloc.start()
    for number in range(500):
        ended(store, f"request {number}", f"key {number}", prompt=700, reply=300)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken <= store.size - before
    # Nor much less, or the bound would be a fraction of what the operator gave.
    assert taken >= (store.size - before) / 2


def test_the_same_id_twice_hides_nobodys_request() -> None:
    store = keeping()
    ended(store, "same", "a", reply=1)
    ended(store, "same", "b", reply=2)
    for key, reply in (("a", 1), ("b", 2)):
        trace = store.find_own("same", key)
        assert trace
        assert trace.replies[0].choices[0].count == reply
    latest = store.find("same")
    assert latest
    assert latest.key_id == "b"
    size = store.size
    ended(store, "same", "b", reply=2)
    assert store.size == size


def test_requests_without_a_prompt_leave_no_trace() -> None:
    store = keeping()
    store.finished(RequestRecord(request_id="refused", error="InvalidApiKey"), 401, 0.1)
    assert store.find("refused") is None


def traced(server: RunningServer, request_id: str, key: str | None = None) -> Answer:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with server.connect() as connection:
        connection.send(b"", headers, TRACES + request_id, "GET")
        return connection.answer()


def trace_of(server: RunningServer, request_id: str, key: str | None = None) -> Answer:
    """The trace, once the request has ended."""
    assert eventually(lambda: traced(server, request_id, key).status == 200)
    return traced(server, request_id, key)


@pytest.fixture(scope="module")
def admin(keys: KeyStore) -> str:
    return keys.create("admin", KeyTerms(role=Role.ADMIN)).key


@pytest.fixture(scope="module")
def other(keys: KeyStore) -> str:
    return keys.create("another").key


TRACING = ServerSettings(trace=True, drain_seconds=0)


def test_the_whole_trace_of_a_reply(keys: KeyStore, admin: str) -> None:
    with serving(keys=keys, settings=TRACING) as server:
        answer = server.ask(ask("hello", stop=["heard", "said"], top_p=0.5), STREAM)
        request_id = answer.headers["x-request-id"]
        trace = trace_of(server, request_id, admin).json
    assert trace["request_id"] == request_id
    assert (trace["model"], trace["wire"], trace["status"]) == ("chatglm3-6b", "dashscope", 200)
    assert (trace["error"], trace["disconnected"]) == (None, False)
    assert trace["key_id"] in {key.id for key in keys.list()}
    assert trace["usage"] == answer.events[-1]["usage"]
    (reply,) = trace["replies"]
    assert reply["trimmed"] == {"turns": 0, "tokens": 0}
    assert reply["sampling"]["top_p"] == 0.5
    assert reply["sampling"]["temperature"] == 0
    assert [stop["piece"] for stop in reply["sampling"]["stop_ids"]] == [
        "</s>",
        "<|user|>",
        "<|observation|>",
    ]
    assert 0 <= trace["seconds"]["queue"] <= trace["seconds"]["total"]
    prompt = reply["prompt"]["tokens"]
    assert len(prompt) == reply["prompt"]["count"]
    assert [token["piece"] for token in prompt if token["role"] == "special"] == [
        "[gMASK]",
        "sop",
        "<|user|>",
        "<|assistant|>",
    ]
    assert "hello" in "".join(token["piece"] for token in prompt if token["role"] == "user")
    (choice,) = reply["choices"]
    assert choice["end"] == {"kind": "stop_string", "what": "said"}
    assert choice["count"] == len(choice["tokens"]) == trace["usage"]["output_tokens"]
    assert {token["role"] for token in choice["tokens"]} == {"assistant"}


def test_without_tracing_there_are_counts_alone(keys: KeyStore, admin: str) -> None:
    with serving(keys=keys) as server:
        answer = server.ask(ask("private words", stop=["said"]))
        request_id = answer.headers["x-request-id"]
        answer = trace_of(server, request_id, admin)
    (reply,) = answer.json["replies"]
    assert reply["prompt"]["tokens"] is None
    assert reply["prompt"]["count"] > 3
    assert reply["choices"][0]["tokens"] is None
    assert reply["choices"][0]["end"] == {"kind": "stop_string", "what": None}
    for secret in (b"private", b"said"):
        assert secret not in answer.body


def test_a_key_sees_its_own_requests_and_an_admin_all(
    keys: KeyStore, admin: str, other: str
) -> None:
    with serving(keys=keys, settings=TRACING) as server:
        own = server.ask(ask("mine")).headers["x-request-id"]
        assert trace_of(server, own).json == trace_of(server, own, admin).json
        hidden, missing = traced(server, own, other), traced(server, "no-such-id")
        assert traced(server, own, "wrong").error == (401, "InvalidApiKey")
    assert hidden.error == missing.error == (404, "NotFound")
    assert hidden.json["message"] == missing.json["message"]
    assert hidden.json["message"].startswith("No trace is kept")


def test_where_no_key_is_checked_everybody_sees_everything() -> None:
    with serving(settings=TRACING) as server:
        request_id = server.ask(ask()).headers["x-request-id"]
        assert trace_of(server, request_id).json["key_id"] is None


def test_a_reply_that_failed_and_one_that_was_left(keys: KeyStore, admin: str) -> None:
    with serving(keys=keys, settings=TRACING) as server:
        failed = server.ask(ask("fail later")).headers["x-request-id"]
        connection = server.connect()
        connection.send(ask("slow"), STREAM)
        _, headers = connection.head()
        connection.close()
        left = headers["x-request-id"]
        broken, gone = (trace_of(server, each, admin).json for each in (failed, left))
    assert (broken["error"], broken["status"]) == ("InternalError.Algo", 500)
    assert broken["replies"][0]["choices"][0]["count"] == 6
    assert broken["replies"][0]["choices"][0]["end"] is None
    assert gone["disconnected"] is True
    assert gone["replies"][0]["choices"][0]["end"] is None


def test_numbers_by_key_are_for_admins(keys: KeyStore, admin: str, other: str) -> None:
    with serving(keys=keys) as server, server.connect() as connection:
        server.ask(ask())

        def metrics(key: str) -> Answer:
            headers = {"Authorization": f"Bearer {key}"}
            connection.send(b"", headers, "/api/admin/v1/metrics", "GET")
            return connection.answer()

        assert eventually(lambda: b'status="200"' in metrics(admin).body)
        own = next(key.id for key in keys.list() if key.last4 == (server.key or "")[-4:])
        assert f'key="{own}"' in metrics(admin).body.decode()
        assert metrics(other).error == (403, "AccessDenied")
        assert metrics("wrong").error == (401, "InvalidApiKey")


@pytest.mark.parametrize(
    ("path", "body", "replies", "choices"),
    [
        (
            "/v1/chat/completions",
            {"messages": [{"role": "user", "content": "hello"}], "n": 3},
            1,
            3,
        ),
        ("/v1/completions", {"prompt": "hello"}, 1, 1),
        ("/v1/completions", {"prompt": ["hello", "good day"], "n": 2}, 2, 2),
    ],
    ids=["choices", "completion", "prompts"],
)
def test_every_prompt_and_every_choice_is_traced(
    path: str, body: dict[str, Any], replies: int, choices: int
) -> None:
    with serving(settings=TRACING) as server:
        answer = server.ask({"model": "chatglm3-6b", "temperature": 0, **body}, path=path)
        assert answer.status == 200
        trace = trace_of(server, answer.headers["x-request-id"]).json
    assert trace["wire"] == "openai"
    assert len(trace["replies"]) == replies
    assert [len(reply["choices"]) for reply in trace["replies"]] == [choices] * replies
    made = [choice["count"] for reply in trace["replies"] for choice in reply["choices"]]
    # What is counted is what was made, all of it together.
    assert sum(made) == trace["usage"]["output_tokens"] == answer.json["usage"]["completion_tokens"]
    assert all(made)
