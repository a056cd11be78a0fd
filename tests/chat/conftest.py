"""Fixtures of this room."""

from __future__ import annotations

import pytest
import structlog
from structlog.testing import LogCapture
from structlog.typing import EventDict

from glmscope.chat import choice, service


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> list[EventDict]:
    """What the room logs, however another test has configured logging."""
    capture = LogCapture()
    logger = structlog.wrap_logger(
        None, processors=[capture], wrapper_class=structlog.stdlib.BoundLogger
    )
    monkeypatch.setattr(choice, "_log", logger)
    monkeypatch.setattr(service, "_log", logger)
    return capture.entries
