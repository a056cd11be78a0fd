"""The Python SDK of a given interpreter."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from glmscope.conform.check import Lane, MismatchError
from glmscope.conform.sdk.pages import page
from glmscope.conform.sdk.process import ANSWER_SECONDS
from glmscope.conform.sdk.sdk import Sdk, SdkRaisedError
from glmscope.conform.target import Target
from glmscope.errors import UsageError

WORKER = Path(__file__).with_name("worker.py")


class PythonSdk(Sdk):
    """`dashscope` as `interpreter` has it. Raises UsageError when it has none."""

    lane = Lane.PYTHON

    def __init__(self, target: Target, interpreter: Path) -> None:
        super().__init__(target)
        self._interpreter = interpreter
        try:
            found = self.ask("hello")
        except (OSError, SdkRaisedError, MismatchError) as error:
            self._home.cleanup()
            raise UsageError(f"{interpreter} does not run the dashscope SDK: {error}") from None
        self.name = f"python {found['version']}"
        self.classes = frozenset(found["classes"])

    def command(self) -> list[str]:
        """The worker in that interpreter."""
        return [str(self._interpreter), str(WORKER)]

    def run_page(self) -> Any:
        """`examples/call_with_messages.py`, the page's program letter for letter."""
        done = subprocess.run(  # noqa: S603 (the operator's own interpreter)
            [str(self._interpreter), str(page("call_with_messages.py"))],
            env=self.environment,
            capture_output=True,
            encoding="utf-8",
            timeout=ANSWER_SECONDS,
        )
        if done.returncode != 0:
            raise MismatchError(f"the program ended with {done.stderr.strip()[-300:]}")
        return json.loads(done.stdout)
