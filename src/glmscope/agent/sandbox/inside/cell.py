"""Runs one cell after another in one namespace, as a notebook does."""

from __future__ import annotations

import ast
import builtins
import linecache
import os
import re
import sys
import types
from collections.abc import Callable
from traceback import StackSummary, TracebackException

from . import display
from .replies import Interrupts, Replies

# A notebook's own line, which models like to write; figures are shown without it.
_MAGIC = re.compile(r"^[ \t]*%matplotlib\b.*$", re.M)
_ERROR_CHARACTERS = 8000


class Cells:
    """The namespace, and how many cells there have been."""

    def __init__(self, replies: Replies, interrupts: Interrupts) -> None:
        self._replies = replies
        self._interrupts = interrupts
        self._count = 0
        self._process = os.getpid()
        # In the place of the kernel's own, so that what a cell defines can be pickled and found.
        module = types.ModuleType("__main__")
        sys.modules["__main__"] = module
        self._namespace = module.__dict__
        self._namespace["__builtins__"] = builtins
        self._namespace["display"] = self._show

    def run(self, source: str) -> str:
        """Run a cell and tell how it ended: done, failed or interrupted."""
        self._count += 1
        name = f"<cell {self._count}>"
        source = _MAGIC.sub("", source)
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        ending = self._guarded(lambda: self._execute(source, name))
        if os.getpid() != self._process:  # a copy that the cell made of us
            sys.stdout.flush()
            os._exit(0 if ending == "done" else 1)
        figures = self._guarded(lambda: display.show_figures(self._replies))
        return ending if ending != "done" else figures

    def _guarded(self, action: Callable[[], None]) -> str:
        """Do it, and show the traceback of what it raises."""
        try:
            return self._attempted(action)
        except MemoryError:  # while the traceback was made
            self._replies.text("error", "MemoryError\n")
            return "failed"

    def _attempted(self, action: Callable[[], None]) -> str:
        try:
            with self._interrupts.armed():
                action()
        except SystemExit as leave:
            if leave.code in (None, 0):
                return "done"
            error: BaseException = leave
        except BaseException as raised:
            error = raised
        else:
            return "done"
        self._interrupts.disarm()
        self._replies.text("error", _shortened(_traceback(error)))
        return "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"

    def _execute(self, source: str, name: str) -> None:
        tree = ast.parse(source, name)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, name, "exec"), self._namespace)  # noqa: S102 (what a sandbox is for)
        if isinstance(last, ast.Expr):
            expression = compile(ast.Expression(last.value), name, "eval")
            value = eval(expression, self._namespace)  # noqa: S307
            if value is not None:
                self._namespace["_"] = value
                self._show(value)

    def _show(self, *values: object) -> None:
        """`display(…)`, as notebooks have it."""
        for value in values:
            display.show(value, self._replies)


def _traceback(error: BaseException) -> str:
    """The traceback with the frames of cells alone."""
    trace = TracebackException.from_exception(error)
    waiting = [trace]
    while waiting:
        part = waiting.pop()
        frames = [frame for frame in part.stack if frame.filename.startswith("<cell ")]
        # Without frames there is nothing to announce; a SyntaxError tells its own place.
        part.stack = StackSummary.from_list(frames) if frames else None  # type: ignore[assignment]
        waiting += [one for one in (part.__cause__, part.__context__) if one is not None]
        waiting += getattr(part, "exceptions", None) or []  # of a group
    return "".join(trace.format())


def _shortened(text: str) -> str:
    """Without the middle of a text that is too long: the last line says what happened."""
    left_out = len(text) - _ERROR_CHARACTERS
    if left_out <= 0:
        return text
    half = _ERROR_CHARACTERS // 2
    return f"{text[:half]}\n[{left_out} characters are left out]\n{text[-half:]}"
