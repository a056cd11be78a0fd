"""Where an exception was raised: what a log may tell of it, since its text may quote a prompt."""

from __future__ import annotations

from pathlib import Path


def place_of(error: Exception) -> str:
    """Kind of an exception and the line that raised it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    file = Path(trace.tb_frame.f_code.co_filename).name
    return f"{type(error).__name__} at {file}:{trace.tb_lineno}"
