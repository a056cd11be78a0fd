"""The supervisor's side of the kernel: starting it, its pipes, stopping all that it started."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

from .confine import confine_kernel
from .wire import DATA_DIRECTORY, MODULE_DIRECTORY, Lines, Message, encode

_BOOT = f"import sys; sys.path.append({MODULE_DIRECTORY!r}); from inside.kernel import main; main()"
_THREADS = ("OMP", "OPENBLAS", "MKL", "NUMEXPR")
_READ_BYTES = 65_536


class KernelProcess:
    """A running kernel. `raw` is the pipe of what is written past Python's own streams."""

    def __init__(self, limits: Message) -> None:
        cells, self._cells = os.pipe()
        self.replies, replies = os.pipe()
        self.raw, raw = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _become_kernel(limits, cells, replies, raw)
        for handle in (cells, replies, raw):
            os.close(handle)
        for handle in (self.replies, self.raw):
            os.set_blocking(handle, False)
        self.ended = os.pidfd_open(self.pid)
        self._lines = Lines()

    def run(self, cell: int, code: str) -> None:
        """Hand it a cell. A kernel that has gone is noticed by whoever waits for its replies."""
        data = memoryview(encode({"id": cell, "code": code}))
        with suppress(BrokenPipeError):
            while data:
                data = data[os.write(self._cells, data) :]

    def read_replies(self) -> list[bytes] | None:
        """The lines that have come; None where the kernel has closed the pipe. Raises WireError."""
        data = _read(self.replies)
        return None if data == b"" else self._lines.feed(data or b"")

    @property
    def in_line(self) -> bool:
        """Whether the last line that `read_replies` has read of lacks its end."""
        return self._lines.in_line

    def read_raw(self) -> bytes:
        """What programs have written, as far as it is there."""
        return _read(self.raw) or b""

    def interrupt(self) -> None:
        """Ctrl-C for the cell and the programs it waits for."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGINT)

    def reap(self) -> None:
        """Take the exit statuses of orphans, but leave the kernel's own to `close`."""
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        while (ended := os.waitid(os.P_ALL, 0, flags)) and ended.si_pid != self.pid:
            os.waitpid(ended.si_pid, 0)

    def close(self) -> str:
        """Kill everything in the sandbox but ourselves, and wait until nothing of it is left.

        Returns how the kernel ended, in words.
        """
        status = 0
        with suppress(ChildProcessError):  # nobody is left
            while True:
                # Each time: the next stroke meets what was started in the middle of one.
                signal_all(signal.SIGKILL)
                pid, ended = os.waitpid(-1, 0)
                status = ended if pid == self.pid else status
        for handle in (self._cells, self.replies, self.raw, self.ended):
            os.close(handle)
        return _in_words(os.waitstatus_to_exitcode(status))


def signal_all(number: signal.Signals) -> None:
    """To every process but process 1, at one stroke: none can start another in between."""
    with suppress(ProcessLookupError):
        os.kill(-1, number)


def _become_kernel(limits: Message, cells: int, replies: int, raw: int) -> None:
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((null, 0), (raw, 1), (raw, 2)):
            os.dup2(source, target)
        for handle in (cells, replies):
            os.set_inheritable(handle, True)
        os.chdir(DATA_DIRECTORY)
        confine_kernel(limits)
        options = ["-I", "-S", "-B", "-X", "utf8"]
        arguments = [sys.executable, *options, "-c", _BOOT, str(cells), str(replies)]
        os.execve(sys.executable, arguments, _environment())  # noqa: S606
    except Exception as error:
        os.write(2, f"{error!r}\n".encode())
    finally:
        os._exit(127)


def _environment() -> dict[str, str]:
    environment = {
        "HOME": DATA_DIRECTORY,
        "LANG": "C.UTF-8",
        "PATH": os.path.dirname(sys.executable),  # noqa: PTH120
        "MPLBACKEND": "module://inside.figures",
        "MPLCONFIGDIR": "/tmp/matplotlib",  # noqa: S108 (the sandbox's own)
    }
    environment.update((f"{name}_NUM_THREADS", "1") for name in _THREADS)
    if "LD_LIBRARY_PATH" in os.environ:  # of the Python itself
        environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
    return environment


def _read(handle: int) -> bytes | None:
    """What is there; None where nothing is, empty at the end."""
    try:
        return os.read(handle, _READ_BYTES)
    except BlockingIOError:
        return None


def _in_words(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"status {code}"
