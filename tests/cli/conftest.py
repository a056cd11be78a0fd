from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory of the test's own; nothing of the user's is seen or touched.

    No built-in model either: the tests that want one name a small stand-in.
    """
    monkeypatch.setenv("GLMSCOPE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GLMSCOPE_NANO", str(tmp_path / "no-nano"))
    for name in (
        "GLMSCOPE_CONFIG",
        "GLMSCOPE_DATABASE",
        "DASHSCOPE_API_KEY",
        "DASHSCOPE_HTTP_BASE_URL",
    ):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def logs_untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that runs within the test's own process leaves its logging as it was.

    Loggers would keep the runner's stderr, which is closed when the command has ended.
    """
    monkeypatch.setattr("glmscope.server.logs.configure_logs", lambda *_, **__: None)
