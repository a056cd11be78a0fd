from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from glmscope.chat.request import Message
from glmscope.cli.local import LocalModel
from glmscope.cli.options import EngineName, ModelOptions
from glmscope.cli.wiring import open_models
from tests.cli.support import COMMAND, WAIT, glmscope


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.json"
    path.write_text(
        """{"rules": [
            {"match": "slow", "reply": "one two three ", "repeat": 100, "delay_ms": 20},
            {"reply": ["\\n ", "You said: {question}"]}
        ]}""",
        encoding="utf-8",
    )
    return path


def test_every_line_of_a_pipe_is_a_question(script: Path) -> None:
    result = glmscope(
        "chat", "--engine", "scripted", "--script", str(script), stdin="hello\n\nbye\n"
    )
    assert result.stdout == "You said: hello\nYou said: bye\n"
    assert result.returncode == 0


def test_the_other_model_and_a_system_message(script: Path) -> None:
    arguments = ["--engine", "scripted", "--script", str(script), "--model", "chatglm-6b-v2"]
    result = glmscope("chat", *arguments, "--system", "Be kind. ", stdin="hello\n")
    # ChatGLM2 has no system role: the text stands in front of the question.
    assert result.stdout == "You said: Be kind. hello\n"


def test_a_question_that_fails_makes_the_exit_status_1(script: Path) -> None:
    arguments = ["chat", "--engine", "scripted", "--script", str(script)]
    result = glmscope(*arguments, stdin="好" * 9000 + "\nhello\n")
    assert result.returncode == 1
    assert "Range of input length should be [1, 6000]" in result.stderr
    assert result.stdout == "You said: hello\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--engine", "scripted", "--model", "chatglm9"], "chatglm3-6b or chatglm-6b-v2"),
        (["--server", "http://127.0.0.1:1"], "give --key or set DASHSCOPE_API_KEY"),
        (["--server", "http://127.0.0.1:1", "--weights", "int8"], "the server decides"),
        ([], "glmscope pull chatglm3-6b"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(arguments: list[str], told: str) -> None:
    result = glmscope("chat", *arguments, stdin="hello\n")
    assert result.returncode == 2
    assert told in result.stderr
    assert result.stderr.count("\n") == 1


def test_ctrl_c_stops_a_local_reply_and_frees_the_engine(script: Path) -> None:
    served, _other = open_models(ModelOptions(engine=EngineName.SCRIPTED, script=script))
    with contextlib.closing(LocalModel(served)) as model:
        reply = model.reply([Message("user", "slow")])
        assert next(reply)
        assert served.engine.load().running == 1
        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            list(reply)
        timer.join()
        assert served.engine.load().running == 0
        # The model can be asked again.
        assert "".join(model.reply([Message("user", "hi")])) == "\n You said: hi"


def test_ctrl_c_between_two_pieces_stops_this_reply_and_no_other(script: Path) -> None:
    served, _other = open_models(ModelOptions(engine=EngineName.SCRIPTED, script=script))
    with contextlib.closing(LocalModel(served)) as model:
        reply = model.reply([Message("user", "slow")])
        assert next(reply)
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            next(reply)
        assert "".join(model.reply([Message("user", "hi")])) == "\n You said: hi"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


class Terminal:
    """The far end of a pseudo-terminal: what a person types and sees."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._unread = ""

    def type(self, keys: str) -> None:
        os.write(self._file, keys.encode())

    def type_until(self, keys: str, text: str) -> None:
        """Type again and again until `text` shows up.

        A signal that comes just before Python's line editor starts to wait is seen only with the
        next key; nobody types that fast.
        """
        while text not in self._unread:
            self.type(keys)
            if select.select([self._file], [], [], 0.3)[0]:
                self._unread += os.read(self._file, 4096).decode(errors="replace")
        self.wait_for(text)

    def wait_for(self, text: str) -> None:
        """Read on until `text` has shown up."""
        while text not in self._unread:
            try:
                piece = os.read(self._file, 4096)
            except OSError:  # how Linux says that the other end is closed
                piece = b""
            assert piece, f"{text!r} never came after {self._unread!r}"
            self._unread += piece.decode(errors="replace")
        self._unread = self._unread.partition(text)[2]


@contextlib.contextmanager
def terminal(*arguments: str) -> Iterator[tuple[Terminal, subprocess.Popen[bytes]]]:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        # Ctrl-C reaches the process through its controlling terminal.
        preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),
    )
    os.close(theirs)
    watchdog = threading.Timer(WAIT, process.kill)
    watchdog.start()
    try:
        yield Terminal(ours), process
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
        os.close(ours)


def test_at_a_terminal_ctrl_c_stops_the_reply_and_ctrl_d_ends(script: Path) -> None:
    with terminal("chat", "--engine", "scripted", "--script", str(script)) as (screen, process):
        screen.wait_for("> ")
        screen.type("slow\n")
        screen.wait_for("two three one")
        screen.type("\x03")
        screen.wait_for("(stopped)")
        screen.wait_for("> ")
        screen.type_until("\x03", "Ctrl-D ends")  # at the prompt it only says how to leave
        screen.type("hello\n")
        screen.wait_for("You said: hello")
        screen.wait_for("> ")
        screen.type("\x04")
        assert process.wait(WAIT) == 0
