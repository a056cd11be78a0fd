"""`--share-prefix`: what a file may hold, which models can use it, and what is said of it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from glmscope.chat.conversation import prompt_builder
from glmscope.chat.request import Message
from glmscope.chat.service import ServedModel
from glmscope.cli.options import EngineName, ModelOptions
from glmscope.cli.shared_prefixes import Reader, SharedPrefix, shared_beginnings
from glmscope.cli.wiring import open_models
from glmscope.engine.engine import Sampling
from glmscope.engine.pipeline import Pipeline
from glmscope.errors import UsageError
from glmscope.family import Family
from tests.cli.support import glmscope, serving
from tests.support.nano import write_nano
from tests.support.tokenizers import builtin_tokenizer

TEXT = "You are a guide to Hangzhou. " * 12
FORECAST = {"type": "function", "function": {"name": "forecast", "description": "Weather"}}
THIRD = Reader("chatglm3-6b", builtin_tokenizer(Family.CHATGLM3), calls_tools=True)
SECOND = Reader("chatglm-6b-v2", builtin_tokenizer(Family.CHATGLM2), calls_tools=True)


def written(directory: Path, content: object, name: str = "prefix.json") -> Path:
    path = directory / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def test_a_text_is_a_system_message_without_the_line_s_end(tmp_path: Path) -> None:
    read = SharedPrefix.read(written(tmp_path, f" {TEXT}\n\n", "system.txt"))
    assert read.messages == (Message("system", f" {TEXT}\n"),)
    assert read.tools is None


def test_json_holds_messages_and_tools_as_requests_do(tmp_path: Path) -> None:
    messages = [
        {"role": "developer", "content": [{"type": "text", "text": TEXT}]},
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": "Hello!"},
    ]
    said = (Message("system", TEXT), Message("user", "hello"), Message("assistant", "Hello!"))
    assert SharedPrefix.read(written(tmp_path, messages)).messages == said
    read = SharedPrefix.read(written(tmp_path, {"messages": messages, "tools": [FORECAST]}))
    assert read.messages == said
    assert read.tools is not None
    assert [tool.name for tool in read.tools.tools] == ["forecast"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("3", "must hold a list of messages"),
        ({"message": []}, 'has an unknown name, "message"; did you mean "messages"?'),
        ({"messages": {}}, "messages should be a list."),
        ([{"role": "robot", "content": "x"}], r"messages\[0\].role should be one of"),
        ({"tools": [{"function": {"name": "a b"}}]}, r"tools\[0\].function.name should be"),
    ],
)
def test_a_file_that_holds_something_else_is_named(
    tmp_path: Path, content: object, reason: str
) -> None:
    path = written(tmp_path, content)
    with pytest.raises(UsageError, match=reason) as refused:
        SharedPrefix.read(path)
    assert str(path) in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"Cannot read the shared prefix {tmp_path / 'x'}: No"):
        SharedPrefix.read(tmp_path / "x")


def test_every_model_has_its_own_ids_and_what_it_cannot_use_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    system = written(tmp_path, TEXT, "system.txt")
    tools = written(tmp_path, {"tools": [FORECAST]})
    beginnings = shared_beginnings([system, tools], [THIRD, SECOND])
    assert [len(beginnings[reader.id]) for reader in (THIRD, SECOND)] == [2, 1]
    assert TEXT.strip() in THIRD.tokenizer.decode(beginnings[THIRD.id][0])
    assert "[Round 1]" in SECOND.tokenizer.decode(beginnings[SECOND.id][0])
    first, second, third, fourth = capsys.readouterr().err.splitlines()
    length = len(beginnings[THIRD.id][0])
    assert first == (
        f"{system}: all keys share the {length} tokens that such prompts to chatglm3-6b begin "
        "with, in whole blocks of 32."
    )
    assert "chatglm-6b-v2 begin with" in second
    assert "chatglm3-6b begin with" in third
    assert fourth.startswith(f"{tools} is not shared for chatglm-6b-v2. This model does not")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("Be brief.", "tokens in common, and 35 are the fewest that can be shared"),
        ({"tools": [FORECAST]}, "does not support tools"),
    ],
)
def test_what_no_model_can_use_is_refused(tmp_path: Path, content: object, reason: str) -> None:
    path = written(tmp_path, content, "x.json" if isinstance(content, dict) else "x.txt")
    with pytest.raises(UsageError, match=f"{path} cannot be shared. .*{reason}"):
        shared_beginnings([path], [SECOND])


def test_it_goes_with_a_prefix_cache_and_networks_alone(tmp_path: Path) -> None:
    files = [written(tmp_path, TEXT, "system.txt")]
    with pytest.raises(UsageError, match="--share-prefix needs the prefix cache"):
        open_models(ModelOptions(models=("x",), share_prefix=files, prefix_cache=False))
    with pytest.raises(UsageError, match="--share-prefix is for networks"):
        open_models(ModelOptions(engine=EngineName.SCRIPTED, share_prefix=files))
    refused = glmscope("serve", "--replay", str(tmp_path), "--share-prefix", str(files[0]))
    assert refused.returncode == 2
    assert "--replay runs no model" in refused.stderr


def test_models_of_one_directory_share_each_in_its_own_format(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The built-in model stands in for those of both families; two keys ask each of them."""
    network = write_nano(tmp_path / "nano")
    steps: list[int] = []
    step = Pipeline.step
    monkeypatch.setattr(Pipeline, "step", lambda self: (steps.append(1), step(self)))
    files = [written(tmp_path, TEXT * 6, "system.txt")]
    models = open_models(ModelOptions(models=(str(network),), share_prefix=files, cache_gb=0.05))
    try:
        for family in Family:
            model = next(each for each in models if each.tokenizer.family is family)
            assert [steps_of(model, key, steps) for key in ("a", "b", "a", "b")] == [4, 1, 1, 1]
    finally:
        asyncio.run(models[0].engine.close())


def steps_of(model: ServedModel, key: str, steps: list[int]) -> int:
    """How often the network runs for a token of an answer; 256 tokens are read at once."""
    question = Message("user", f"Where is {key}?")
    ids = prompt_builder(model.tokenizer)([Message("system", TEXT * 6), question])
    assert 768 < len(ids) <= 1024
    before = len(steps)

    async def read() -> None:
        async for _ in model.engine.generate(ids, Sampling(1, cache_scope=key)):
            pass

    asyncio.run(read())
    return len(steps) - before


def test_the_configuration_file_names_several(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLMSCOPE_NANO", str(write_nano(tmp_path / "nano")))
    files = [written(tmp_path, f"{TEXT} {number}", f"{number}.txt") for number in range(2)]
    config = tmp_path / "c.toml"
    listed = ", ".join(f'"{file}"' for file in files)
    config.write_text(f"[serve]\nshare_prefix = [{listed}]\ncache_gb = 0.05\n", "utf-8")
    with serving("--config", str(config), errors=tmp_path / "errors"):
        said = (tmp_path / "errors").read_text("utf-8")
    for file in files:
        assert f"{file}: all keys share the" in said
