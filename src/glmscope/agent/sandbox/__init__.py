"""A place where code of a model can run: one a conversation, cut off from the machine around it.

    pool = SandboxPool()
    sandbox = await pool.of(conversation)     # SandboxUnavailable says how to switch it on
    await sandbox.put("sales.csv", data)      # /mnt/data/sales.csv
    result = await sandbox.run(code)          # CellResult: outputs in order, ending, what was cut
    picture = await sandbox.get("plot.png")
    await pool.end(conversation)

The Python inside is the server's own; bubblewrap, a filter of system calls, limits and a supervisor
hold what it runs (`bubblewrap`, `seccomp`, `inside`). Where they cannot, nothing runs: `trial`.
"""

from glmscope.agent.sandbox.limits import SandboxLimits
from glmscope.agent.sandbox.outcome import CellResult, Ending, Image, Output, Stream, Text
from glmscope.agent.sandbox.packages import DEFAULT_PACKAGES, importable
from glmscope.agent.sandbox.pool import SandboxPool
from glmscope.agent.sandbox.sandbox import DataFile, Listing, Sandbox
from glmscope.agent.sandbox.trial import probe

__all__ = [
    "DEFAULT_PACKAGES",
    "CellResult",
    "DataFile",
    "Ending",
    "Image",
    "Listing",
    "Output",
    "Sandbox",
    "SandboxLimits",
    "SandboxPool",
    "Stream",
    "Text",
    "importable",
    "probe",
]
