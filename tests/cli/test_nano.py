"""The built-in model: when it serves, under which ids, and what it says of itself."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from glmscope import nano
from glmscope.chat.request import ChatRequest, Message
from glmscope.chat.service import ChatService, ServedModel
from glmscope.chat.trace import ReplyTrace
from glmscope.cli.options import ModelOptions
from glmscope.cli.sources import ModelSource, parse_source
from glmscope.cli.wiring import open_models
from glmscope.errors import InvalidParameter, UsageError
from glmscope.family import Family
from glmscope.text.prompt import chatglm2_prompt
from tests.cli.support import WAIT, Serving, glmscope, serving
from tests.cli.test_models import table
from tests.cli.test_serve import run_example
from tests.support.checkpoints import write_checkpoint
from tests.support.nano import write_nano

QUESTION = Message("user", "你好")
HEADER = "X-GLMScope-Model"
IN_PLACE = "here in place of chatglm3-6b and chatglm-6b-v2."
SENTENCE = f"  chatglm3-nano is a small demonstration model, {IN_PLACE}"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_nano(tmp_path_factory.mktemp("nano"))


@pytest.fixture
def builtin(model: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in, in the package's place."""
    monkeypatch.setenv(nano.VARIABLE, str(model))
    return model


@contextmanager
def opened(*models: str) -> Iterator[dict[str, ServedModel]]:
    served = {each.id: each for each in open_models(ModelOptions(models=models, cache_gb=0.05))}
    try:
        yield served
    finally:
        asyncio.run(ChatService(served.values()).close())


def replaced(served: dict[str, ServedModel]) -> dict[str, str | None]:
    return {name: model.stand_in for name, model in served.items()}


def trace(service: ChatService, model: str, *messages: Message) -> ReplyTrace:
    """What would be read for these messages; nothing is generated."""
    return service.prepare(ChatRequest(request_id="r", model=model, messages=messages)).trace


def test_one_engine_answers_to_three_ids_when_nothing_is_configured(builtin: Path) -> None:
    with opened() as served:
        assert replaced(served) == {
            "chatglm3-nano": None,
            "chatglm3-6b": "chatglm3-nano",
            "chatglm-6b-v2": "chatglm3-nano",
        }
        assert len({id(model.engine) for model in served.values()}) == 1
        families = [model.tokenizer.family for model in served.values()]
        assert families == [Family.CHATGLM3, Family.CHATGLM3, Family.CHATGLM2]
        for model in served.values():
            limits = model.limits
            assert (limits.context, limits.input, limits.output) == (2048, 1500, 1500)
            assert model.name == "ChatGLM3-nano, int8 weights"
            assert model.description == "a small demonstration model"


def test_as_chatglm2_it_reads_rounds_and_stops_at_the_end_alone(builtin: Path) -> None:
    with opened() as served:
        service = ChatService(served.values())
        second = trace(service, "chatglm-6b-v2", QUESTION)
        tokenizer = served["chatglm-6b-v2"].tokenizer
        assert second.prompt_ids == chatglm2_prompt(tokenizer, [], "你好")
        assert second.sampling.stop_ids == {2}
        third = trace(service, "chatglm3-6b", QUESTION)
        own = trace(service, "chatglm3-nano", QUESTION)
        assert third.prompt_ids == own.prompt_ids != second.prompt_ids
        assert len(third.sampling.stop_ids) == 3


def test_what_is_too_long_for_it_is_trimmed_or_refused(builtin: Path) -> None:
    turns = [Message("user", "好" * 400), Message("assistant", "好" * 400)]
    with opened() as served:
        service = ChatService(served.values())
        trimmed = trace(service, "chatglm3-6b", *turns * 3, QUESTION)
        assert trimmed.dropped_turns == 2
        assert trimmed.input_tokens <= 1500
        with pytest.raises(InvalidParameter, match=r"\[1, 1500\]"):
            trace(service, "chatglm3-6b", Message("user", "好" * 2000))


def test_a_checkpoint_takes_its_id_and_no_other(builtin: Path, tmp_path: Path) -> None:
    checkpoint = f"chatglm3-6b={other_checkpoint(tmp_path)}"
    with opened("chatglm3-nano", checkpoint) as served:
        assert replaced(served) == {
            "chatglm3-nano": None,
            "chatglm3-6b": None,
            "chatglm-6b-v2": "chatglm3-nano",
        }
        assert served["chatglm3-6b"].engine is not served["chatglm3-nano"].engine
        assert served["chatglm3-6b"].description == ""
    # What is configured is all that is served: nobody is answered by a small model unasked.
    with opened(checkpoint) as served:
        assert replaced(served) == {"chatglm3-6b": None}


def test_it_can_be_named_for_one_id_alone(builtin: Path) -> None:
    with opened("chatglm-6b-v2=chatglm3-nano", "mine=chatglm3-nano") as served:
        assert replaced(served) == {"chatglm-6b-v2": "chatglm3-nano", "mine": None}
        assert served["chatglm-6b-v2"].tokenizer.family is Family.CHATGLM2
        assert served["mine"].tokenizer.family is Family.CHATGLM3


def other_checkpoint(directory: Path) -> Path:
    """A checkpoint that is no built-in model."""
    published = directory / "published"
    write_checkpoint(published, padded_vocab_size=1088, seq_length=128)
    (published / "tokenizer.model").write_bytes((nano.directory() / "tokenizer.model").read_bytes())
    return published


def test_where_it_is(builtin: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse_source("chatglm3-nano") == ModelSource("chatglm3-nano", builtin)
    monkeypatch.delenv(nano.VARIABLE)
    assert nano.directory() == Path(nano.__file__).parent / "model"
    monkeypatch.setenv(nano.VARIABLE, str(home / "nowhere"))
    with pytest.raises(UsageError, match="chatglm3-nano is not in this installation"):
        parse_source("chatglm3-nano")


def test_what_was_settled_when_it_was_converted_is_not_ignored(builtin: Path) -> None:
    with pytest.raises(UsageError, match="holds int8 weights, not int4"):
        open_models(ModelOptions(weights="int4"))
    with pytest.raises(UsageError, match="is of the family chatglm3"):
        open_models(ModelOptions(family=Family.CHATGLM2))


def ask(server: Serving, model: str) -> tuple[str, str | None]:
    """The text of an answer, and which model its headers say it is from."""
    request = urllib.request.Request(
        f"{server.url}/services/aigc/text-generation/generation",
        json.dumps(
            {"model": model, "input": {"prompt": "你好"}, "parameters": {"max_tokens": 8}}
        ).encode(),
        {"Content-Type": "application/json"},
    )
    request.add_header("Authorization", f"Bearer {server.exports['DASHSCOPE_API_KEY']}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=WAIT) as response:
        return json.load(response)["output"]["text"], response.headers[HEADER]


def test_serve_with_nothing_configured(builtin: Path, tmp_path: Path) -> None:
    with serving(errors=tmp_path / "errors") as server:
        assert SENTENCE in server.lines
        assert any("glmscope pull chatglm3-6b" in line for line in server.lines)
        answer = run_example(server.exports)
        assert answer["status_code"] == 200
        assert answer["output"]["choices"][0]["message"]["content"]
        for name in ("chatglm3-6b", "chatglm-6b-v2"):
            text, answered_by = ask(server, name)
            assert text
            assert answered_by == "chatglm3-nano"
        assert ask(server, "chatglm3-nano")[1] is None


def test_serve_says_that_the_real_one_is_here(builtin: Path, home: Path, tmp_path: Path) -> None:
    (home / "models" / "chatglm3-6b").mkdir(parents=True)
    with serving(errors=tmp_path / "errors") as server:
        assert SENTENCE in server.lines
        told = "  chatglm3-6b itself is on this machine: --model chatglm3-6b serves it."
        assert told in server.lines


def test_serve_says_what_it_is_under_its_own_id(builtin: Path, tmp_path: Path) -> None:
    models = ["--model", "mine=chatglm3-nano"]
    with serving(*models, errors=tmp_path / "errors") as server:
        assert "  mine is a small demonstration model." in server.lines


def test_chat_with_nothing_configured(builtin: Path) -> None:
    result = glmscope("chat", stdin="你好\n")
    assert result.returncode == 0
    assert result.stdout.strip()
    told = "chatglm3-nano is a small demonstration model; --model names another.\n"
    assert result.stderr.endswith(told)


def test_there_is_nothing_to_pull(home: Path) -> None:
    result = glmscope("pull", "chatglm3-nano")
    assert result.returncode == 2
    assert result.stderr == "chatglm3-nano comes with GLMScope; there is nothing to fetch.\n"
    assert not home.exists()


def test_the_list_of_models_tells_whether_it_is_here(
    builtin: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = table(capsys, monkeypatch)["chatglm3-nano"]
    assert "a small demonstration model" in row
    assert "built in" in row
    monkeypatch.setenv(nano.VARIABLE, str(builtin / "nowhere"))
    assert "known" in table(capsys, monkeypatch)["chatglm3-nano"]
