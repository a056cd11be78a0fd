from __future__ import annotations

import io
from collections.abc import Generator, Sequence

import pytest

from glmscope.chat.request import Message
from glmscope.cli.conversation import Conversation, converse
from glmscope.errors import ServiceError


class FakeModel:
    """Plays prepared replies; an exception among the pieces is raised where it stands."""

    def __init__(self, *replies: Sequence[str | BaseException]) -> None:
        self.replies = list(replies)
        self.asked: list[list[tuple[str, str]]] = []

    def forget(self) -> None:
        pass

    def reply(self, messages: Sequence[Message]) -> Generator[str, None, None]:
        self.asked.append([(message.role, message.content) for message in messages])
        for piece in self.replies.pop(0):
            if isinstance(piece, BaseException):
                raise piece
            yield piece


def feed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def test_questions_and_replies_are_remembered_verbatim(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = FakeModel(["\n ", "你", "好"], ["second"])
    feed(monkeypatch, "first?", "", "  then?  ")
    assert converse(Conversation(model, system="Be brief."))
    assert capsys.readouterr().out == "你好\nsecond\n"
    assert model.asked[1] == [
        ("system", "Be brief."),
        ("user", "first?"),
        ("assistant", "\n 你好"),
        ("user", "then?"),
    ]


def test_clear_forgets_all_but_the_system_message(monkeypatch: pytest.MonkeyPatch) -> None:
    model = FakeModel(["one"], ["two"])
    feed(monkeypatch, "first?", "/clear", "again?", "/exit", "never asked")
    assert converse(Conversation(model, system="Be brief."))
    assert model.asked[1] == [("system", "Be brief."), ("user", "again?")]
    assert len(model.asked) == 2


def test_a_stopped_reply_is_remembered_as_far_as_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    model = FakeModel(["half an ", KeyboardInterrupt()], [KeyboardInterrupt()], ["well"])
    feed(monkeypatch, "long?", "unanswered?", "short?")
    assert converse(Conversation(model))
    assert model.asked[2] == [
        ("user", "long?"),
        ("assistant", "half an "),
        ("user", "short?"),
    ]


def test_a_failure_is_told_and_the_next_question_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = FakeModel([ServiceError("It broke.")], ["fine"])
    feed(monkeypatch, "first?", "second?")
    assert not converse(Conversation(model))
    assert capsys.readouterr() == ("fine\n", "It broke.\n")
    assert model.asked[1] == [("user", "second?")]


def test_a_reply_cannot_steer_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    feed(monkeypatch, "?")
    converse(Conversation(FakeModel(["a\x1b[2Jb\x9bc\td[bold]e[/bold]"])))
    assert capsys.readouterr().out == "a�[2Jb�c\td[bold]e[/bold]\n"
