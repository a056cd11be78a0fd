"""The command line as people start it: a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

COMMAND = [sys.executable, "-m", "glmscope.cli"]
WAIT = 60.0
"""Seconds after which a process is taken to hang; nothing waits so long when all is well."""


def glmscope(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments], input=stdin, capture_output=True, encoding="utf-8", timeout=WAIT
    )


@dataclass
class Serving:
    """A `glmscope serve` that answers, and what it printed until then."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    @property
    def exports(self) -> dict[str, str]:
        """The environment that its start card tells people to set."""
        found = (re.fullmatch(r"export (\w+)=(\S+)", line) for line in self.lines)
        return {match[1]: match[2] for match in found if match}

    @property
    def url(self) -> str:
        return self.exports["DASHSCOPE_HTTP_BASE_URL"]

    def wait_until_ready(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if "DASHSCOPE_HTTP_BASE_URL" in self.exports:
                return
        raise AssertionError(f"the server ended early: {self.lines}")


@contextmanager
def serving(*arguments: str, errors: Path) -> Iterator[Serving]:
    """Serve on a free port until the block ends; stderr goes to the file `errors`."""
    with errors.open("w", encoding="utf-8") as stderr:
        process = subprocess.Popen(
            [*COMMAND, "serve", "--port", "0", *arguments],
            stdout=subprocess.PIPE,
            stderr=stderr,
            encoding="utf-8",
        )
        with process:
            try:
                running = Serving(process)
                running.wait_until_ready()
                yield running
            finally:
                process.kill()
