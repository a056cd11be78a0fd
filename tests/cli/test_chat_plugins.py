"""Tools and the interpreter in the terminal: calls, code, results, files."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
from collections.abc import Generator, Sequence
from pathlib import Path

import pytest

from glmscope.agent.code_runner import CodeOutput
from glmscope.agent.tool import ToolFile
from glmscope.chat.events import PluginCall, PluginFile, PluginResult, ToolCall, Usage
from glmscope.chat.past_calls import PastCall
from glmscope.chat.request import Message
from glmscope.cli.conversation import Conversation, Shown
from glmscope.cli.local import LocalModel
from glmscope.cli.options import EngineName, ModelOptions
from glmscope.cli.remote import RemoteModel
from glmscope.cli.steps import show_result
from glmscope.cli.wiring import open_models
from tests.agent.support import Sandboxes, call_of, code_of
from tests.cli.support import glmscope
from tests.server.support import service_with, serving

PNG = b"\x89PNG\r\n\x1a\n"
RULES = {
    "rules": [
        {"match": "sum", "reply": call_of("calculator", expression="2 + 3")},
        {"match": "5", "exact": True, "reply": "\n It is 5."},
        {"match": "plot", "reply": code_of("x = 41")},
        {"match": "[Image]", "reply": "\n Here it is."},
        {"match": "prompt", "reply": "{prompt}"},
    ]
}


def play(_code: str) -> CodeOutput:
    return CodeOutput("", images=(PNG,), files=(ToolFile("../odd name.csv", b"a", "text/csv"),))


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.json"
    path.write_text(json.dumps(RULES), encoding="utf-8")
    return path


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    path = tmp_path / "tools.toml"
    path.write_text('[tools]\nenabled = ["calculator"]\n', encoding="utf-8")
    return path


def test_the_command_shows_calls_and_results_beside_the_answer(script: Path, tools: Path) -> None:
    arguments = ["--engine", "scripted", "--script", str(script), "--tools", str(tools)]
    result = glmscope("chat", *arguments, stdin="sum\n")
    assert result.stdout == "It is 5.\n"
    assert '[calculator] {"expression": "2 + 3"}\n    5\n' in result.stderr


def test_without_a_sandbox_the_interpreter_says_what_it_needs(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # where no bubblewrap is
    arguments = ["--engine", "scripted", "--script", str(script), "--interpreter"]
    result = glmscope("chat", *arguments, stdin="plot\n")
    assert result.returncode == 2
    assert "bubblewrap" in result.stderr


def test_tools_of_a_file_are_for_this_process_alone(tools: Path) -> None:
    result = glmscope("chat", "--server", "http://127.0.0.1:1", "--tools", str(tools))
    assert result.returncode == 2
    assert "the server decides which tools" in result.stderr


def test_one_sandbox_lasts_until_the_conversation_is_cleared(
    script: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runner = Sandboxes(play)
    served, _ = open_models(ModelOptions(engine=EngineName.SCRIPTED, script=script))
    with contextlib.closing(LocalModel(served, None, runner)) as model:
        conversation = Conversation(model)
        conversation.ask("plot")
        conversation.ask("plot again")
        (sandbox,) = runner.opened
        assert (sandbox.ran, sandbox.closed) == (["x = 41", "x = 41"], 0)
        conversation.clear()
        assert sandbox.closed == 1
        conversation.ask("plot")
        assert len(runner.opened) == 2
    assert runner.opened[1].closed == 1
    shown = capsys.readouterr()
    assert shown.out == "Here it is.\n" * 3
    paths = [Path(line.strip()) for line in shown.err.splitlines() if line.startswith("    /")]
    assert [path.read_bytes() for path in paths[:2]] == [PNG, b"a"]
    assert len({path.parent for path in paths}) == 1
    assert len(set(paths)) == len(paths) == 6
    assert paths[1].name == "odd_name.csv"
    shutil.rmtree(paths[0].parent)


def test_the_conversation_remembers_the_steps(script: Path) -> None:
    runner = Sandboxes(play)
    served, _ = open_models(ModelOptions(engine=EngineName.SCRIPTED, script=script))
    with contextlib.closing(LocalModel(served, None, runner)) as model:
        heard = Listening(model)
        conversation = Conversation(heard)
        conversation.ask("plot")
        conversation.ask("prompt")
    _, call, result, answer, _ = heard.messages
    assert call.calls[0].code == "x = 41"
    assert (result.role, result.content, result.call_id) == ("tool", "[Image]", call.calls[0].id)
    assert answer.content == "\n Here it is."


class Listening:
    """Passes on what a model says, and remembers what it was asked last."""

    def __init__(self, model: LocalModel) -> None:
        self._model = model
        self.messages: Sequence[Message] = ()

    def reply(self, messages: Sequence[Message]) -> Generator[Shown, None, None]:
        self.messages = list(messages)
        return self._model.reply(messages)

    def forget(self) -> None:
        self._model.forget()


def test_over_a_server_the_steps_are_the_same() -> None:
    with serving(service_with(RULES), runner=Sandboxes(play)) as server:
        model = RemoteModel(server.url, "a key", "chatglm3-6b", ["code_interpreter"])
        pieces = list(model.reply([Message("user", "plot")]))
        call, result = pieces[0], pieces[1]
        assert isinstance(call, PluginCall)
        assert json.loads(call.call.arguments) == {"code": "x = 41"}
        assert isinstance(result, PluginResult)
        assert [file.content for file in result.files] == [PNG, b"a"]
        assert "".join(each for each in pieces if isinstance(each, str)) == "\n Here it is."
        past = [
            Message("user", "plot"),
            Message("assistant", "", (PastCall.of_code("c", "x = 41"),)),
            Message("tool", "[Image]"),
            Message("user", "prompt"),
        ]
        prompt = "".join(each for each in model.reply(past) if isinstance(each, str))
    assert "<|assistant|> interpreter\n ```python\nx = 41\n```<|observation|>" in prompt
    assert base64.b64encode(PNG).decode() not in prompt


def test_a_files_name_cannot_lead_anywhere_else(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    names = ["../up", "/etc/passwd", "..", ".hidden", "a b\x1b[2J", "", "up"]
    files = tuple(PluginFile(name, b"x", "text/plain") for name in names)
    call = ToolCall(0, "c", "code_interpreter", '{"code": "x"}')
    show_result(PluginResult(call, "", Usage(0, 0), files), inside)
    assert list(tmp_path.iterdir()) == [inside]
    kept = sorted(path.name for path in inside.iterdir())
    assert kept == sorted(["up", "passwd", "file", "hidden", "a_b_2J", "file-2", "up-2"])


def test_a_server_whose_tools_cannot_be_had_says_so_in_one_sentence(tmp_path: Path) -> None:
    config = tmp_path / "glmscope.toml"
    config.write_text('[tools]\nenabled = ["calculater"]\n', encoding="utf-8")
    arguments = ["--no-auth", "--port", "0", "--engine", "scripted", "--config", str(config)]
    result = glmscope("serve", *arguments)
    assert result.returncode == 2
    assert 'did you mean "calculator"' in result.stderr
    assert result.stderr.count("\n") == 1
