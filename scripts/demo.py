"""`make demo`: start a server, ask it the service page's question with the official SDK, stop it.

The question is `examples/call_with_messages.py`, the page's program letter for letter; only the
two environment variables that the server prints make it ask this machine.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = "examples/call_with_messages.py"
STOP_SECONDS = 30


def main() -> str | None:
    """Run the demo in a directory of its own; returns what went wrong, if anything."""
    with tempfile.TemporaryDirectory(prefix="glmscope-demo-") as directory:
        home = Path(directory)
        with serving(home / "data") as environment:
            print(f"$ python {EXAMPLE}", flush=True)
            answer = subprocess.run(
                [sys.executable, EXAMPLE],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.PIPE,
                encoding="utf-8",
                check=True,
            ).stdout
            print(answer)
    if json.loads(answer)["status_code"] != 200:
        return "The server refused the page's example."
    print("The server has stopped. Next: README.md says how to serve a published checkpoint.")
    return None


@contextmanager
def serving(data: Path) -> Iterator[dict[str, str]]:
    """Serve on a free port; yields the environment that the server's clients need."""
    command = ["serve", "--port", "0"]
    server = subprocess.Popen(
        [sys.executable, "-m", "glmscope.cli", *command],
        cwd=ROOT,
        env=os.environ | {"GLMSCOPE_HOME": str(data)},
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        yield os.environ | read_exports(server)
    finally:
        server.terminate()
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()


def read_exports(server: subprocess.Popen[str]) -> dict[str, str]:
    """Show what the server prints until it has said both lines that a client needs."""
    # A proxy cannot reach this machine's own loopback.
    found = {"NO_PROXY": "127.0.0.1"}
    for line in server.stdout or ():
        print(line, end="", flush=True)
        if export := re.fullmatch(r"\s*export (\w+)=(\S+)\s*", line):
            found[export[1]] = export[2]
        if {"DASHSCOPE_API_KEY", "DASHSCOPE_HTTP_BASE_URL"} <= found.keys():
            print()
            return found
    sys.exit("The server ended before it was ready.")


if __name__ == "__main__":
    sys.exit(main())
