from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from glmscope.conform.script import script_text
from tests.cli.support import serving


@pytest.fixture(scope="session", autouse=True)
def quiet() -> Iterator[None]:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("conform") / "glmscope.db"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """URL and key of a server that plays the script."""
    home = tmp_path_factory.mktemp("serving")
    script = home / "script.json"
    script.write_text(script_text(), encoding="utf-8")
    options = ("--engine", "scripted", "--script", str(script), "--database", str(home / "keys.db"))
    with serving(*options, errors=home / "stderr") as running:
        yield running.url.removesuffix("/api/v1"), running.exports["DASHSCOPE_API_KEY"]
