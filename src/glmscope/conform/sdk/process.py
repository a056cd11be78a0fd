"""A program that answers each line with a line."""

from __future__ import annotations

import queue
import subprocess
import threading
from collections.abc import Mapping, Sequence

ANSWER_SECONDS = 60.0
_TAIL = 5
"""How many of its last complaints are quoted when it dies."""


class LineProcess:
    """Started at once; to be closed. Its stderr is kept to explain an early end."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 (the operator's own interpreter)
            command,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )
        self._answers: queue.Queue[str | None] = queue.Queue()
        self._complaints: list[str] = []
        self._readers = [
            threading.Thread(target=self._read_answers, daemon=True),
            threading.Thread(target=self._read_complaints, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def ask(self, line: str, seconds: float = ANSWER_SECONDS) -> str:
        """Send a line, return its answer. Raises TimeoutError, EOFError when it has ended."""
        if self._process.stdin is None:
            raise EOFError("it takes no questions")
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
            answer = self._answers.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError(f"no answer in {seconds:.0f} s") from None
        except BrokenPipeError:
            answer = None
        if answer is None:
            self._readers[1].join(1)
            raise EOFError(" ".join(self._complaints[-_TAIL:]).strip() or "it ended")
        return answer

    def close(self) -> None:
        """End it, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        for reader in self._readers:
            reader.join()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                _close(stream)

    def _read_answers(self) -> None:
        for line in self._process.stdout or ():
            self._answers.put(line)
        self._answers.put(None)

    def _read_complaints(self) -> None:
        for line in self._process.stderr or ():
            self._complaints = [*self._complaints[-_TAIL:], line.strip()]


def _close(stream: object) -> None:
    try:
        stream.close()  # type: ignore[attr-defined]
    except BrokenPipeError:
        return  # a question that it died on was still to be written
