"""A conversation in the terminal: read a line, stream the reply, remember both."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

from glmscope.chat.events import PluginCall, PluginResult
from glmscope.chat.request import Message
from glmscope.cli.console import complain, note, out, printable
from glmscope.cli.steps import files_directory, remembered, show_call, show_result
from glmscope.errors import RequestError, ServiceError

_PROMPT = "> "
_HELP = "/clear forgets the conversation, /exit or Ctrl-D ends, Ctrl-C stops a reply."


Shown: TypeAlias = str | PluginCall | PluginResult


class Model(Protocol):
    """Whatever continues a conversation."""

    def reply(self, messages: Sequence[Message]) -> Generator[Shown, None, None]:
        """The next assistant turn, in pieces; closing the generator, or Ctrl-C, stops it.

        Between pieces of text come the calls that are run for the model, and their results.
        """
        ...

    def forget(self) -> None:
        """The conversation begins anew; what its code has made is not needed any more."""
        ...


class Conversation:
    """Everything said so far, system message first."""

    def __init__(self, model: Model, system: str | None = None) -> None:
        self._model = model
        self._opening = [Message("system", system)] if system else []
        self._messages = list(self._opening)
        self._directory: Path | None = None
        """Where files of plugins lie, once there are any."""

    def clear(self) -> None:
        """Forget everything but the system message."""
        self._model.forget()
        self._messages = list(self._opening)

    def ask(self, question: str) -> None:
        """Print the reply as it comes.

        A stopped reply is remembered as far as it came. A question that got no reply is not
        remembered, so that the next one can be asked.
        """
        turn = [Message("user", question)]
        pieces: list[str] = []
        stopped = False
        try:
            with contextlib.closing(self._model.reply([*self._messages, *turn])) as reply:
                for piece in reply:
                    if isinstance(piece, str):
                        _print_piece(piece, first=not "".join(pieces).strip())
                        pieces.append(piece)
                        continue
                    turn.append(remembered(piece, "".join(pieces).strip()))
                    self._show(piece, after_text=bool("".join(pieces).strip()))
                    pieces = []
        except KeyboardInterrupt:
            stopped = True
        finally:
            if pieces:
                turn.append(Message("assistant", "".join(pieces)))
                out.print()
            if len(turn) > 1:
                self._messages += turn
        if stopped:
            note("(stopped)")

    def _show(self, step: PluginCall | PluginResult, *, after_text: bool) -> None:
        if after_text:
            out.print()
        if isinstance(step, PluginCall):
            show_call(step.call)
            return
        if self._directory is None and step.files:
            self._directory = files_directory()
        show_result(step, self._directory or Path())


def _print_piece(piece: str, *, first: bool) -> None:
    # ChatGLM3 begins every reply with a newline and a space: kept in the history, not shown.
    shown = printable(piece.lstrip() if first else piece)
    out.file.write(shown)
    out.file.flush()


def converse(conversation: Conversation) -> bool:
    """Talk until the input ends. Returns whether every question was answered.

    A question that fails is reported, and the conversation goes on.
    """
    interactive = sys.stdin.isatty()
    if interactive:
        _enable_line_editing()
        note(_HELP)
    answered = True
    for line in _lines(interactive):
        question = line.strip()
        if question == "/exit":
            break
        if question == "/clear":
            conversation.clear()
            note("(forgotten)")
        elif question:
            try:
                conversation.ask(question)
            except (RequestError, ServiceError) as error:
                complain(error.message)
                answered = False
    return answered


def _lines(interactive: bool) -> Iterator[str]:
    if not interactive:
        yield from sys.stdin
        return
    while True:
        try:
            yield input(_PROMPT)
        except EOFError:
            out.print()
            return
        except KeyboardInterrupt:
            note(f"\n{_HELP}")


def _enable_line_editing() -> None:
    # Importing readline gives input() arrow keys and history; Windows has no such module.
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401
