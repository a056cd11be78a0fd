"""The Java SDK from a directory of jars."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from glmscope.conform.check import Lane, MismatchError
from glmscope.conform.sdk.pages import page
from glmscope.conform.sdk.process import ANSWER_SECONDS
from glmscope.conform.sdk.sdk import Sdk
from glmscope.conform.target import Target
from glmscope.errors import UsageError

DRIVER = Path(__file__).with_name("Driver.java")
PAGE = "CallWithPrompt.java"


class JavaSdk(Sdk):
    """Compiles and runs the page's program and a driver against the jars in `directory`.

    Raises UsageError without a JDK, without jars, and when they are not the SDK's.
    """

    lane = Lane.JAVA
    classes = frozenset()

    def __init__(self, target: Target, directory: Path) -> None:
        super().__init__(target)
        try:
            self._classpath = self._compile(directory)
            self.name = f"java {self.ask('hello')['version']}"
        except (MismatchError, UsageError) as error:
            self.restart()
            self._home.cleanup()
            raise UsageError(f"The Java SDK cannot be driven: {error}") from None

    def command(self) -> list[str]:
        """The driver in a virtual machine of its own."""
        return [*self._java(), "Driver"]

    def run_page(self) -> Any:
        """The page's program letter for letter; it prints the result as JSON."""
        done = subprocess.run(  # noqa: S603 (the operator's own JDK)
            [*self._java(), PAGE.removesuffix(".java")],
            env=self.environment,
            capture_output=True,
            encoding="utf-8",
            timeout=ANSWER_SECONDS,
        )
        if done.returncode != 0 or not done.stdout.strip():
            raise MismatchError(f"the program ended with {done.stderr.strip()[-300:]}")
        return json.loads(done.stdout)

    def _java(self) -> list[str]:
        settings = ["-Dfile.encoding=UTF-8", "-Dstdout.encoding=UTF-8"]
        return ["java", *settings, "-cp", self._classpath]

    def _compile(self, directory: Path) -> str:
        if not shutil.which("javac") or not shutil.which("java"):
            raise UsageError("no JDK: javac and java have to be on the path")
        jars = sorted(str(jar) for jar in directory.glob("*.jar"))
        if not jars:
            raise UsageError(f"there are no jars in {directory}")
        done = subprocess.run(  # noqa: S603 (the operator's own JDK)
            [  # noqa: S607
                "javac",
                *("-encoding", "UTF-8", "-d", str(self.home)),
                *("-cp", os.pathsep.join(jars)),
                *(str(DRIVER), str(page(PAGE))),
            ],
            capture_output=True,
            encoding="utf-8",
        )
        if done.returncode != 0:
            raise UsageError(f"javac says: {done.stderr.strip()[:300]}")
        return os.pathsep.join([str(self.home), *jars])
