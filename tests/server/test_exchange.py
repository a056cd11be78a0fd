"""Recording real exchanges, and answering from them."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from glmscope.chat.service import ChatService
from glmscope.errors import UsageError
from glmscope.server.exchange import Asked, Exchange, Part
from glmscope.server.exchange_directory import ExchangeDirectory
from glmscope.server.replay import Replay
from glmscope.store.keys import KeyStore
from tests.server.support import STREAM, RunningServer, ask, eventually, serving
from tests.server.websocket_client import websocket

CHAT = "/v1/chat/completions"
CLOUD_KEY = "sk-" + 4 * "0123abcd"


def replaying(directory: Path, speed: float = 0.0, keys: KeyStore | None = None) -> Any:
    replay = Replay(ExchangeDirectory(directory).load(), speed)
    return serving(ChatService([]), keys, replay=replay)


def files(directory: Path) -> list[Path]:
    """What was recorded; a file still being written has another name, and may change it now."""
    return sorted(directory.glob("*.json"))


def recorded(directory: Path, count: int) -> list[dict[str, Any]]:
    assert eventually(lambda: len(list(directory.glob("*.json"))) >= count)
    documents = [json.loads(file.read_text(encoding="utf-8")) for file in files(directory)]
    assert len(documents) == count
    return documents


def chat(prompt: str, **parameters: object) -> dict[str, object]:
    messages = [{"role": "user", "content": prompt}]
    return {"model": "chatglm3-6b", "messages": messages, "temperature": 0, **parameters}


REQUESTS: list[tuple[object, dict[str, str], str]] = [
    (ask("hello"), {}, ""),
    (ask("hello"), STREAM, ""),
    (ask("hello", incremental_output=True, result_format="message"), STREAM, ""),
    (ask("odd characters"), STREAM, ""),
    (ask("fail later"), STREAM, ""),
    (ask("hello", top_p=7), {}, ""),
    (b'{"model": broken', {}, ""),
    (b"\xff\xfe not text", {}, ""),
    (chat("hello"), {}, CHAT),
    (chat("hello", stream=True, stream_options={"include_usage": True}), {}, CHAT),
    (chat("hello", model="nobody"), {}, CHAT),
]


def answers(server: RunningServer) -> list[tuple[int, dict[str, str], bytes]]:
    got = []
    for body, headers, path in REQUESTS:
        answer = server.ask(body, headers, **({"path": path} if path else {}))
        assert answer.headers["x-request-id"] in answer.body.decode()
        meaningful = {k: v for k, v in answer.headers.items() if k != "date"}
        got.append((answer.status, meaningful, answer.body))
    return got


def test_what_was_recorded_is_answered_again_to_the_byte(tmp_path: Path, keys: KeyStore) -> None:
    with serving(keys=keys, recordings=ExchangeDirectory.make(tmp_path / "d")) as server:
        first = answers(server)
        recorded(tmp_path / "d", len(REQUESTS))
    with replaying(tmp_path / "d", keys=keys) as server:
        again = answers(server)
        for (status, headers, body), (old_status, old_headers, old_body) in zip(
            again, first, strict=True
        ):
            assert (status, body) == (old_status, old_body)
            for name in ("content-type", "x-request-id", "retry-after"):
                assert headers.get(name) == old_headers.get(name)


def test_files_hold_no_key_and_are_their_owners_alone(tmp_path: Path, keys: KeyStore) -> None:
    directory = tmp_path / "deep" / "exchanges"
    key = keys.create("recorded").key
    with serving(keys=keys, recordings=ExchangeDirectory.make(directory)) as server:
        bearer = {"Authorization": f"bearer {key}", "X-Other": key, "Cookie": key}
        server.ask(ask("hello"), bearer)
        server.ask(ask("hello"), {"Authorization": "Bearer wrong"})
        # Whatever holds a key is left out: as text, as JSON escapes, in the query, of the cloud.
        server.ask(ask(f"my key is {key}"), bearer | STREAM)
        escaped = json.dumps(ask("x")).replace('"x"', f'"\\u{ord(key[0]):04x}{key[1:]}"')
        assert server.ask(escaped.encode(), bearer).status == 200
        server.ask(ask("hello"), bearer, f"/api/v1/services/aigc?key={key}")
        server.ask(ask(f"and {CLOUD_KEY}"), bearer)
        server.ask(ask("last"), bearer)
        first, last = recorded(directory, 2)
    assert first["request"]["json"]["input"]["prompt"] == "hello"
    assert last["request"]["json"]["input"]["prompt"] == "last"
    everything = b"".join(file.read_bytes() for file in files(directory))
    for secret in (key, key[5:], "Authorization", "authorization", "Bearer", "bearer", CLOUD_KEY):
        assert secret.encode() not in everything
    if os.name == "posix":
        assert [file.stat().st_mode & 0o777 for file in files(directory)] == [0o600, 0o600]
        assert directory.stat().st_mode & 0o777 == 0o700


def test_a_client_that_went_away_leaves_no_file(tmp_path: Path) -> None:
    with serving(recordings=ExchangeDirectory.make(tmp_path)) as server:
        with server.connect() as connection:
            connection.send(ask("slow"), STREAM)
            connection.head()
        assert eventually(lambda: not server.server.server_state.tasks)
        server.ask(ask("hello"))
        recorded(tmp_path, 1)


@pytest.mark.parametrize("depth", [100, 900, 980, 20_000])
def test_deep_json_costs_no_answer(tmp_path: Path, depth: int) -> None:
    body = b'{"model":"chatglm3-6b","input":{"prompt":"deep"},"x":%b%b}' % (
        b"[" * depth,
        b"]" * depth,
    )
    with serving(recordings=ExchangeDirectory.make(tmp_path)) as server:
        assert server.ask(body).status in (200, 400)
        assert server.ask(ask("hello")).status == 200
        assert eventually(lambda: any("hello" in file.read_text() for file in files(tmp_path)))
        # A file is whole before its unfinished name is gone.
        assert eventually(lambda: not list(tmp_path.glob("*.part")))


def test_a_disk_that_takes_nothing_costs_no_answer(tmp_path: Path) -> None:
    directory = ExchangeDirectory.make(tmp_path / "gone")
    directory.path.rmdir()
    with serving(recordings=directory) as server:
        assert server.ask(ask("hello")).status == 200


def test_unknown_requests_get_404_in_words(tmp_path: Path) -> None:
    with serving(recordings=ExchangeDirectory.make(tmp_path)) as server:
        server.ask(ask("hello"))
        recorded(tmp_path, 1)
    with replaying(tmp_path) as server:
        reordered = dict(reversed(ask("hello").items()))
        assert server.ask(json.dumps(reordered, indent=2).encode()).status == 200
        for body, headers in ((ask("other"), {}), (ask("hello"), STREAM), (b"[", {})):
            answer = server.ask(body, headers)
            assert answer.error == (404, "NotFound")
            assert "No recorded exchange" in answer.json["message"]
        assert server.ask(ask("hello"), path=CHAT).json["error"]["code"]
        with server.connect() as connection:
            connection.send(b"", path="/healthz", method="GET")
            assert connection.answer().status == 200


def test_a_key_is_asked_for_in_a_replay(tmp_path: Path, keys: KeyStore) -> None:
    ExchangeDirectory.make(tmp_path).add(exchange("hello", "hi"))
    with replaying(tmp_path, keys=keys) as server:
        assert server.ask({"q": "hello"}, path="/api/v1/q").body == b"hi"
        assert server.ask({"q": "hello"}, {"Authorization": ""}, "/api/v1/q").status == 401


def exchange(question: str, *parts: str, at: float = 0.0) -> Exchange:
    asked = Asked("POST", "/api/v1/q", "", {}, json.dumps({"q": question}))
    told = tuple(Part(at * number, text) for number, text in enumerate(parts))
    return Exchange(asked, "an-id", 200, {"content-type": "text/plain"}, told)


def test_the_same_question_gets_its_answers_in_turn(tmp_path: Path) -> None:
    for text in ("first", "second"):
        ExchangeDirectory.make(tmp_path).add(exchange("q", text))
    with replaying(tmp_path) as server:
        said = [server.ask({"q": "q"}, path="/api/v1/q").body for _ in range(3)]
    assert said == [b"first", b"second", b"first"]


@pytest.mark.parametrize(("speed", "least"), [(1.0, 0.4), (4.0, 0.1), (0.0, 0.0)])
def test_parts_come_at_their_times(tmp_path: Path, speed: float, least: float) -> None:
    ExchangeDirectory.make(tmp_path).add(exchange("q", "a", "b", "c", at=0.2))
    with replaying(tmp_path, speed) as server:
        begun = time.monotonic()
        assert server.ask({"q": "q"}, path="/api/v1/q").chunks == [b"a", b"b", b"c"]
        assert time.monotonic() - begun >= least


def test_what_cannot_be_replayed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no recorded exchange"):
        ExchangeDirectory(tmp_path).load()
    with pytest.raises(UsageError, match="No such file"):
        ExchangeDirectory(tmp_path / "nowhere").load()
    with pytest.raises(UsageError, match="from 0"):
        Replay([], -1)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="Cannot record"):
        ExchangeDirectory.make(tmp_path / "file")
    good = json.loads(exchange("q", "a").to_json())
    bad: list[object] = [
        [],
        {},
        good | {"glmscope_exchange": 2},
        good | {"answer": good["answer"] | {"status": 99}},
        good | {"answer": good["answer"] | {"parts": [{"at": "x", "text": "a"}]}},
        good | {"request": good["request"] | {"headers": {"a": 1}}},
        good | {"request": good["request"] | {"path": 1}},
    ]
    for each in bad:
        (tmp_path / "x.json").write_text(json.dumps(each))
        with pytest.raises(UsageError, match=r"x\.json"):
            ExchangeDirectory(tmp_path).load()


@pytest.mark.parametrize(
    "body",
    ["", "{", '{"a": 1.0}', '{"a":[1,"杭州\\ud800"]}', "NaN", "1e999", "\udcff", "[" * 100_000],
    ids=lambda body: ascii(body[:20]),
)
def test_any_text_survives_a_file(body: str) -> None:
    asked = Asked("POST", "/p", "a=1", {"accept": "*/*"}, body)
    kept = Exchange(asked, "an-id", 404, {}, (Part(0.25, body),))
    again = Exchange.from_json(kept.to_json(), "a file")
    assert again.parts == kept.parts
    assert again.asked.question == kept.asked.question


def test_tasks_of_a_websocket(tmp_path: Path, keys: KeyStore) -> None:
    asked = [("hello", "out"), ("hello", "none"), ("fail later", "out"), ("odd characters", "out")]
    with serving(keys=keys, recordings=ExchangeDirectory.make(tmp_path)) as server:
        with websocket(server) as client:
            first = [client.run(prompt, streaming, temperature=0) for prompt, streaming in asked]
            client.send("no JSON")
            client.send({"header": {"action": "run-task", "task_id": 7}})
            assert [client.receive()["header"]["event"] for _ in range(2)] == ["task-failed"] * 2
        documents = recorded(tmp_path, len(asked) + 1)
    assert {document["request"]["method"] for document in documents} == {"WEBSOCKET"}
    with replaying(tmp_path, keys=keys) as server, websocket(server) as client:
        client.send(b"\x00\xff")
        assert client.receive()["header"]["event"] == "task-failed"
        again = [client.run(prompt, streaming, temperature=0) for prompt, streaming in asked]
        unknown = client.run("never asked")
    assert [task.events for task in again] == [task.events for task in first]
    assert [task.results for task in again] == [task.results for task in first]
    assert [task.error for task in again] == [task.error for task in first]
    for old, new in zip(first, again, strict=True):
        ids = {frame["header"]["task_id"] for frame in new.frames}
        assert len(ids) == 1
        assert ids != {frame["header"]["task_id"] for frame in old.frames}
    assert unknown.error == "NotFound"
