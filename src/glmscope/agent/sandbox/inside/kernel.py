"""The process that runs cells: reads one, runs it, says how it ended."""

from __future__ import annotations

import os
import sys

from . import display
from .cell import Cells
from .replies import Interrupts, Replies, standard_stream
from .wire import DATA_DIRECTORY, MODULE_DIRECTORY, PACKAGE_DIRECTORY, decode


def main() -> None:
    """Arguments: the descriptors of the pipe of cells and of the pipe of replies."""
    cells_handle, replies_handle = int(sys.argv[-2]), int(sys.argv[-1])
    for handle in (cells_handle, replies_handle):
        os.set_inheritable(handle, False)
    sys.argv = [""]
    # Last of all, so that no file of a user's takes the place of a module.
    sys.path += [PACKAGE_DIRECTORY, DATA_DIRECTORY]
    sys.path.remove(MODULE_DIRECTORY)
    interrupts = Interrupts()
    replies = Replies(replies_handle, interrupts)
    sys.stdout = standard_stream(replies, "stdout", 1)
    sys.stderr = standard_stream(replies, "stderr", 2)
    _prepare(replies)
    cells = Cells(replies, interrupts)
    replies.send({"event": "ready"})
    with open(cells_handle, "rb") as requests:
        for line in requests:
            cell = decode(line)
            ending = cells.run(cell["code"])
            replies.send({"event": "done", "id": cell["id"], "ending": ending})


def _prepare(replies: Replies) -> None:
    display.prepare_libraries()
    if "matplotlib" in sys.modules:
        from . import figures

        figures.replies.append(replies)
