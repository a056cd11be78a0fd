"""Privileges and limits that bubblewrap leaves to the process that it starts."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from pathlib import Path

from .wire import Message

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4


def confine_supervisor(uid: int | None) -> None:
    """Give up what process 1 does not need. `uid`: whom to become where root started us, or None.

    Not dumpable: the cells run under the same user id, and must not read our memory or open files.
    Raises OSError where anything of it fails.
    """
    # Where the machine runs out of memory, a sandbox goes first.
    Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    libc = ctypes.CDLL(None, use_errno=True)
    # A change of user ids cleared what `bwrap --die-with-parent` had set.
    for option, value in ((_PR_SET_PDEATHSIG, signal.SIGKILL), (_PR_SET_DUMPABLE, 0)):
        if libc.prctl(option, int(value), 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
    # Signals without a handler never reach process 1 from inside; Python has one for this.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def confine_kernel(limits: Message) -> None:
    """Set the limits of the process that becomes the kernel, and of all that it starts."""
    for kind, value in (
        (resource.RLIMIT_AS, limits["memory"]),
        (resource.RLIMIT_FSIZE, limits["disk"]),
        (resource.RLIMIT_NPROC, limits["processes"]),
        (resource.RLIMIT_NOFILE, limits["open_files"]),
        (resource.RLIMIT_STACK, 8 * 2**20),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))
    os.nice(5)  # the server answers first
