"""Whatever schemathesis makes of the OpenAPI page: no request fails the server, and every answer is
of a status, a type and a shape that the page names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest

from glmscope.server.settings import ServerSettings
from glmscope.store.keys import KeyStore
from tests.agent.support import Sandboxes
from tests.server.openai.support import CHAT, COMPLETIONS
from tests.server.support import GENERATION, RunningServer, ask, eventually, service_with, serving

# Shorter replies than the model could give keep an example short.
RULES = {"rules": [{"reply": "ok {question}"}]}
# Not among them: that what the page does not allow is refused. A null is an absent field here, and
# unknown names are ignored, as clients of the service expect.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
CHECKED = ("--checks", ",".join(CHECKS))
# The same routes as below /compatible-mode/v1.
TWICE = "^/v1/"
PATHS = {
    "GET /healthz",
    "GET /metrics",
    "POST /api/v1/services/aigc/text-generation/generation",
    "POST /api/v1/tokenizer",
    "GET /api/v1/models",
    "GET /api/v1/models/{model_id}",
    "POST /compatible-mode/v1/chat/completions",
    "POST /compatible-mode/v1/completions",
    "GET /compatible-mode/v1/models",
    "GET /compatible-mode/v1/models/{model_id}",
    "GET /api/admin/v1/metrics",
    "GET /api/admin/v1/traces/{request_id}",
}


@pytest.fixture(scope="module")
def described(keys: KeyStore) -> Iterator[RunningServer]:
    settings = ServerSettings(openapi=True)
    # Without what runs code, asking for the interpreter is answered 503.
    with serving(service_with(RULES), keys, settings, runner=Sandboxes()) as server:
        yield server


def schemathesis(server: RunningServer, home: Path, *options: str) -> tuple[int, str]:
    """One run with the same examples every time: its exit status, and what it printed."""
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json"),
        *("--header", f"Authorization: Bearer {server.key}"),
        *("--generation-deterministic", "--suppress-health-check", "all"),
        *("--no-color", "--warnings", "off"),
        *options,
    ]
    done = subprocess.run(
        command,
        cwd=home,  # it leaves its database there
        env=os.environ | {"NO_PROXY": "127.0.0.1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    return done.returncode, done.stdout


def test_no_request_fails_the_server(described: RunningServer, tmp_path: Path) -> None:
    phases = ("--phases", "examples,coverage,fuzzing", "--max-examples", "8")
    reports = ("--report-junit-path", "report.xml", "--report-har-path", "report.har")
    status, printed = schemathesis(
        described, tmp_path, *phases, *reports, *CHECKED, "--exclude-path-regex", TWICE
    )
    assert status == 0, printed
    cases = ElementTree.parse(tmp_path / "report.xml").iter("testcase")
    assert {case.get("name") for case in cases} == PATHS
    exchanges = json.loads((tmp_path / "report.har").read_text(encoding="utf-8"))["log"]["entries"]
    answered = Counter(
        urlsplit(each["request"]["url"]).path
        for each in exchanges
        if each["response"]["status"] == 200
    )
    # Whoever refuses everything fails at nothing.
    assert all(answered[path] > 5 for path in (GENERATION, "/api/v1/tokenizer", CHAT, COMPLETIONS))
    assert described.ask(ask()).status == 200
    assert eventually(lambda: described.running() == 0)


def test_an_answer_that_the_page_does_not_name_is_found(
    described: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = described.server.config.app.openapi()
    path = "/v1/models"
    monkeypatch.setitem(page["paths"][path]["get"], "responses", {"204": {"description": "None."}})
    phases = ("--phases", "fuzzing", "--max-examples", "1")
    status, printed = schemathesis(described, tmp_path, *phases, *CHECKED, "--include-path", path)
    assert status == 1
    assert "Documented: 204" in printed
