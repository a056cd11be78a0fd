"""The bounds that `glmscope serve` takes as options, from outside."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.cli.support import WAIT, Serving, serving

RULES = [{"match": "silence", "reply": "never said", "delay_ms": 3_600_000}, {"reply": "here"}]


def ask(server: Serving, text: str) -> tuple[int, str | None]:
    """The status, and what the server says of when to come back."""
    request = urllib.request.Request(
        f"{server.url}/services/aigc/text-generation/generation",
        json.dumps({"model": "chatglm3-6b", "input": {"prompt": text}}).encode(),
        {"Authorization": f"Bearer {server.exports['DASHSCOPE_API_KEY']}"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=WAIT) as response:
            return response.status, None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Retry-After"]
    except OSError:
        return 0, None


def metrics(server: Serving) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(server.url.removesuffix("/api/v1") + "/metrics", timeout=WAIT) as response:
        return bytes(response.read())


@pytest.mark.parametrize(
    ("options", "refusal"),
    [(["--max-waiting", "0"], (429, "5")), (["--max-wait", "0.2"], (408, None))],
)
def test_who_gets_no_turn(
    tmp_path: Path, options: list[str], refusal: tuple[int, str | None]
) -> None:
    script = tmp_path / "script.json"
    script.write_text(json.dumps({"rules": RULES}), encoding="utf-8")
    command = ["--engine", "scripted", "--script", str(script), "--max-running", "1", *options]
    command += ["--database", str(tmp_path / "keys.db")]
    with serving(*command, errors=tmp_path / "errors") as server:
        # Two that never end: whichever comes first runs, so that the last one does not.
        silent = [threading.Thread(target=ask, args=(server, "silence")) for _ in range(2)]
        for thread in silent:
            thread.start()
        while b"glmscope_requests_running 1.0" not in metrics(server):
            time.sleep(0.01)
        assert ask(server, "hello") == refusal
        server.process.kill()
        for thread in silent:
            thread.join(WAIT)
