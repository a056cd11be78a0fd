"""What a cell has started, after it was ended: nothing of it is there when the next one runs."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from glmscope.agent.sandbox import CellResult, Ending, Sandbox, Stream
from tests.agent.sandbox.conftest import PRELUDE, SMALL, Opener, shown

QUICK = replace(SMALL, wall_seconds=0.5, interrupt_seconds=0.5)
DEAF = """
import itertools, threading, time
x = 1
def loud():
    while True:
        try:
            for n in itertools.count():
                print('late', n)
                os.write(1, b'late')
                time.sleep(0.001)
        except BaseException: pass
"""
PROCESSES = "print(sorted(int(name) for name in os.listdir('/proc') if name.isdigit()))\n"
GONE = "All variables are gone; the files are still there."


@pytest.mark.parametrize(
    "start",
    [
        "if not os.fork(): loud()",
        "if not os.fork():\n    os.setsid()\n    loud()",
        "if not os.fork():\n    if not os.fork(): loud()\n    os._exit(0)",
        "if not os.fork():\n    signal.signal(signal.SIGINT, signal.SIG_IGN)\n    loud()",
        "if not os.fork():\n    os.kill(os.getpid(), signal.SIGSTOP)\n    loud()",
        "threading.Thread(target=loud, daemon=True).start()",
        "if not os.fork():\n"
        "    threading.Thread(target=loud).start()\n"
        "    ctypes.CDLL(None).pthread_exit(None)",
    ],
    ids=["child", "own-session", "orphan", "ignores", "stopped", "thread", "leader-has-ended"],
)
async def test_what_outlives_the_interrupt_is_killed_with_the_kernel(
    opener: Opener, start: str
) -> None:
    sandbox = await opener(QUICK)
    await sandbox.put("kept.txt", b"kept")
    result = await sandbox.run(f"{PRELUDE}{DEAF}{start}\ntime.sleep(1000)")
    assert (result.ending, result.variables_kept) == (Ending.WALL_TIME, False)
    assert GONE in result.notes
    code = (
        "print('x' in globals(), open('/mnt/data/kept.txt').read())\nimport time\ntime.sleep(0.2)"
    )
    first, *rest = (await shown(sandbox, PROCESSES + code)).splitlines()
    assert first.startswith("[1, ")
    assert len(first.split(", ")) == 2
    assert rest == ["False kept"]


async def test_what_heeds_the_interrupt_costs_no_variables(opener: Opener) -> None:
    sandbox = await opener(QUICK)
    code = (
        "import subprocess, time\nx = 1\n"
        "if not os.fork(): time.sleep(1000)\n"
        "subprocess.run([sys.executable, '-c', 'import time; time.sleep(1000)'])"
    )
    result = await sandbox.run(PRELUDE + code)
    assert (result.ending, result.variables_kept) == (Ending.WALL_TIME, True)
    assert result.text(Stream.ERROR).endswith("KeyboardInterrupt\n")
    assert await shown(sandbox, "print(os.wait()[0] > 0, x)") == "True 1"


async def test_what_needs_a_moment_for_the_interrupt_has_it(opener: Opener) -> None:
    sandbox = await opener(replace(QUICK, interrupt_seconds=30.0))
    code = (
        "import time\nx = 1\n"
        "if not os.fork():\n"
        "    try: time.sleep(1000)\n"
        "    except KeyboardInterrupt:\n"
        "        time.sleep(0.5)\n"
        "        print('at last')\n"
        "        os._exit(0)\n"
        "time.sleep(1000)"
    )
    result = await sandbox.run(PRELUDE + code)
    assert (result.ending, result.variables_kept) == (Ending.WALL_TIME, True)
    assert result.text(Stream.STDOUT) == "at last\n"
    assert await shown(sandbox, "x") == "1"


async def test_what_an_earlier_cell_left_behind_costs_no_variables(opener: Opener) -> None:
    sandbox = await opener(QUICK)
    code = (
        "import threading, time\nx = 1\n"
        "if not os.fork():\n    os.setsid()\n    time.sleep(1000)\n"
        "threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()"
    )
    await shown(sandbox, code)
    result = await sandbox.run("time.sleep(1000)")
    assert (result.ending, result.variables_kept) == (Ending.WALL_TIME, True)
    seen = await shown(sandbox, PROCESSES + "print(threading.active_count(), x)")
    processes, rest = seen.splitlines()
    assert (len(processes.split(", ")), rest) == (3, "2 1")


async def _interrupted(sandbox: Sandbox, code: str) -> CellResult:
    on = asyncio.Event()
    running = asyncio.ensure_future(sandbox.run(code, lambda _: on.set()))
    await on.wait()
    await sandbox.interrupt()
    return await running


async def test_an_interrupt_from_outside_leaves_nothing_either(opener: Opener) -> None:
    sandbox = await opener(replace(QUICK, wall_seconds=60.0))
    code = f"{PRELUDE}{DEAF}if not os.fork(): loud()\ntime.sleep(1000)"
    result = await _interrupted(sandbox, code)
    assert (result.ending, result.variables_kept) == (Ending.INTERRUPTED, False)
    assert result.notes == ("The cell was interrupted.", GONE)
    assert await shown(sandbox, "print('x' in globals())") == "False"


async def test_a_cell_that_ends_by_itself_leaves_behind_what_it_likes(sandbox: Sandbox) -> None:
    await shown(sandbox, "import time\nif not os.fork(): time.sleep(1000)")
    assert len((await shown(sandbox, PROCESSES)).split(", ")) == 3
