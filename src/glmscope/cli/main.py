"""The `glmscope` command, from its first moment on: whenever Ctrl-C comes, it ends quietly."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from glmscope.cli.startup import without_collecting

_INTERRUPTED = 130


def run() -> None:
    """Run the command line: a known error ends it with one sentence, never with a trace.

    Exit status: 0, 1 for an error, 2 for a command used wrongly, 130 for Ctrl-C.
    """
    with _interrupt_ends_at_once(), without_collecting():
        from glmscope.cli.commands import app
        from glmscope.cli.console import complain
        from glmscope.errors import GLMScopeError, UsageError
    try:
        app()
    except GLMScopeError as error:
        complain(error.message)
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except KeyboardInterrupt:  # outside of a command, whose own are Typer's
        sys.exit(_INTERRUPTED)


@contextmanager
def _interrupt_ends_at_once() -> Iterator[None]:
    """While modules are imported, which may take the exception for one of their own.

    Nothing is open yet that would have to be closed. An interrupt that is ignored stays so, as in
    a job that a shell has put into the background.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: os._exit(_INTERRUPTED))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
