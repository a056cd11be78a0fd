"""The programs in examples/agent, as they are, against a script in place of a model."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import runpy
import shutil
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from glmscope.agent.sandbox import SandboxPool, probe
from glmscope.agent.sandbox_runner import SandboxRunner
from glmscope.agent.tools.assemble import open_tools
from glmscope.agent.tools.settings import McpSource, ToolSettings
from glmscope.errors import SandboxUnavailable
from tests.server.sdk import sdk_at
from tests.server.support import RunningServer, service_with, serving

EXAMPLES = Path(__file__).parents[2] / "examples" / "agent"
SCRIPT = json.loads((EXAMPLES / "script.json").read_text(encoding="utf-8"))
CLIENTS = ["dashscope", "openai"]


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with serving(service_with(SCRIPT)) as running:
        yield running


def run(
    name: str,
    server: RunningServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> str:
    """What a program prints."""
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "not checked here")
    with sdk_at(server):
        runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    return capsys.readouterr().out


@pytest.mark.parametrize("client", CLIENTS)
def test_the_weather(
    client: str,
    server: RunningServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(f"weather_{client}", server, monkeypatch, capsys) == "北京今天晴，12 度。\n"


@pytest.mark.parametrize("client", CLIENTS)
def test_the_calculator(
    client: str,
    server: RunningServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    call, result, answer = run(f"calculator_{client}", server, monkeypatch, capsys).splitlines()
    assert call == 'call: {"expression": "12345 * 98765"}'
    assert result == "result: 1219253925"
    assert answer == "12345 乘以 98765 等于 1219253925。"


@pytest.fixture(scope="module")
def interpreter() -> Iterator[RunningServer]:
    for package in ("pandas", "matplotlib"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    try:
        asyncio.run(probe())
    except SandboxUnavailable as error:
        pytest.skip(error.message)
    runner = SandboxRunner(SandboxPool(spare=False))
    with serving(service_with(SCRIPT), runner=runner) as running:
        yield running


@pytest.mark.parametrize("client", CLIENTS)
def test_the_csv_and_its_plot(
    client: str,
    interpreter: RunningServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    printed = run(f"csv_{client}", interpreter, monkeypatch, capsys)
    assert "result: 142.5\n[Image]\n" in printed
    assert printed.endswith("图已经画好，平均销售额是 142.5。\n")
    assert (tmp_path / "image-1.png").read_bytes().startswith(b"\x89PNG")


@pytest.fixture(scope="module")
def library() -> Iterator[RunningServer]:
    pytest.importorskip("mcp")
    program = (sys.executable, str(EXAMPLES / "mcp_server.py"))
    settings = ToolSettings(entry_points=frozenset(), mcp=(McpSource("library", program),))
    with serving(
        service_with(SCRIPT), tools=partial(open_tools, settings), ready_within=60
    ) as running:
        yield running


@pytest.mark.parametrize("client", CLIENTS)
def test_the_agent_over_mcp(
    client: str,
    library: RunningServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    printed = run(f"mcp_{client}", library, monkeypatch, capsys)
    assert printed == "《红楼梦》在三楼 B 区。\n《西游记》在二楼 A 区。\n"
