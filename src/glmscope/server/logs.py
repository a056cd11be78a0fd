"""Where log lines go, what they look like, and what they never say.

Clients' texts are in no line of our own. Foreign code knows no such rule: the text of an exception
may quote a prompt, and so may what asyncio says of a task that failed. Of both only kind and place
are logged, unless the operator wants texts in the log.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback

import structlog
from structlog.typing import EventDict, Processor

from glmscope.errors import GLMScopeError

# After this asyncio prints what was called with, or what a task was: both hold values.
_VALUES = re.compile(r"[(\n].*", re.DOTALL)


def configure_logs(level: int = logging.INFO, *, texts: bool = False) -> None:
    """Send every log line of this process to standard error; standard output stays free.

    For a program, one JSON object a line, which also keeps what a client put into a path from
    looking like a line of its own; for a person at a terminal, columns. The lines of libraries
    take the same way from WARNING on. `texts` lets exceptions speak for themselves.
    """
    common: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info if texts else _describe_exception,
    ]
    # Values in quotes: a path may hold what steers a terminal.
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(repr_native_str=True)
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[*common, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    foreign: list[Processor] = [structlog.stdlib.add_logger_name, *common]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=foreign if texts else [_without_values, *foreign],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def describe(failure: BaseException) -> dict[str, object]:
    """Kind and place of a failure, and of what caused it.

    An exception's text may quote a prompt; only our own errors are known not to.
    """
    frames = traceback.extract_tb(failure.__traceback__)
    described: dict[str, object] = {
        "error": type(failure).__name__,
        "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    if isinstance(failure, GLMScopeError):
        described["message"] = failure.message
    if failure.__cause__ is not None:
        described["cause"] = describe(failure.__cause__)
    return described


def _describe_exception(_logger: object, _method: str, event: EventDict) -> EventDict:
    given = event.pop("exc_info", None)
    if isinstance(given, tuple):
        given = given[1]
    elif given and not isinstance(given, BaseException):
        given = sys.exc_info()[1]
    if given:
        event["failure"] = describe(given)
    return event


def _without_values(_logger: object, _method: str, event: EventDict) -> EventDict:
    if event["_record"].name == "asyncio":
        event["event"] = _VALUES.sub("", event["event"])
    return event
