"""A real sandbox is tried out before the first one is handed to a model: it fails closed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from glmscope.agent.sandbox.limits import SandboxLimits
from glmscope.agent.sandbox.outcome import Stream
from glmscope.agent.sandbox.process import OFF
from glmscope.agent.sandbox.sandbox import Sandbox
from glmscope.errors import SandboxUnavailable

_CELL = "from inside import facts\nfacts.show()\n"
_PROCESSES = 8


async def probe() -> None:
    """Raises SandboxUnavailable with one sentence where code cannot be run safely here."""
    sandbox = await Sandbox.open(SandboxLimits(processes=_PROCESSES))
    try:
        result = await sandbox.run(_CELL)
    finally:
        await sandbox.close()
    try:
        holes = list(_holes(json.loads(result.text(Stream.STDOUT))))
    except (ValueError, KeyError, TypeError):
        holes = ["the trial did not end well"]
    if holes:
        raise SandboxUnavailable(f"{OFF}a sandbox is not tight on this machine: {holes[0]}.")


def _holes(facts: dict[str, Any]) -> Iterator[str]:
    for name, inside in facts["namespaces"].items():
        # Root has become another user instead of taking a namespace of users.
        if inside == _namespace(name) and not (name == "user" and os.geteuid() == 0):
            yield f"it shares the namespace {name!r}"
    for found, hole in (
        (facts["root"], "its user is root"),
        (facts["capabilities"], "it has capabilities"),
        (not facts["no_new_privileges"], "it can gain privileges"),
        (not facts["filter"], "its system calls are not filtered"),
        (facts["interfaces"] not in ([], ["lo"]), "it sees network interfaces"),
        (facts["sockets"], "it can open sockets"),
        (facts["processes"] > 2, "it sees other processes"),
        (facts["host_files"], "it sees files of the machine"),
        (facts["writable"], "it can write where nothing bounds it"),
        (facts["uncounted"], "the number of its files is not counted"),
        (facts["started"] >= _PROCESSES, "the number of its processes is not bounded"),
        (not facts["supervisor_hidden"], "its supervisor can be read"),
    ):
        if found:
            yield hole


def _namespace(name: str) -> str | None:
    with suppress(OSError):
        return str(Path("/proc/self/ns", name).readlink())
    return None
