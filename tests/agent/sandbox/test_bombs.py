"""Cells that take all they can get: how far they come, and what is left afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest

from glmscope.agent.sandbox import Ending, Sandbox, Stream
from tests.agent.sandbox.conftest import MIB, PRELUDE, SMALL, Opener, processes_of, shown


async def test_memory_of_one_process(sandbox: Sandbox) -> None:
    result = await sandbox.run("x = 1\nbig = []\nwhile True: big.append(bytearray(2**20))")
    assert (result.ending, result.variables_kept) == (Ending.FAILED, True)
    assert result.text().endswith("MemoryError\n")
    result = await sandbox.run("count = len(big)\nbig = None\nprint(100 < count < 256)\nx")
    assert result.text() == "True\n1\n"


async def test_one_huge_piece_of_memory(sandbox: Sandbox) -> None:
    result = await sandbox.run("'x' * 10**12")
    assert (result.ending, result.text()[-12:]) == (Ending.FAILED, "MemoryError\n")


async def test_memory_of_many_processes_together(sandbox: Sandbox) -> None:
    await sandbox.put("kept.txt", b"kept")
    code = (
        "import time\n"
        "for n in range(6):\n"
        "    if not os.fork():\n"
        f"        mine = bytearray(os.urandom({MIB})) * 100\n"
        "        time.sleep(1000)\n"
        "time.sleep(1000)"
    )
    result = await sandbox.run(PRELUDE + code)
    assert (result.ending, result.variables_kept) == (Ending.MEMORY, False)
    assert result.notes == (
        "The cell was stopped: it used more memory than it may.",
        "All variables are gone; the files are still there.",
    )
    assert len(processes_of(sandbox)) <= 2
    assert await shown(sandbox, "print(open('/mnt/data/kept.txt').read())") == "kept"


async def test_a_fork_bomb_is_refused_at_the_limit(sandbox: Sandbox) -> None:
    result = await sandbox.run(PRELUDE + "while True: os.fork()")
    assert result.ending is Ending.FAILED
    assert result.text(Stream.ERROR).endswith(
        "BlockingIOError: [Errno 11] Resource temporarily unavailable\n"
    )
    assert len(processes_of(sandbox)) <= SMALL.processes


async def test_a_fork_bomb_that_never_gives_up(opener: Opener) -> None:
    sandbox = await opener(replace(SMALL, wall_seconds=3.0))
    code = "while True:\n    try: os.fork()\n    except BaseException: pass"
    result = await sandbox.run(PRELUDE + code)
    assert result.ending in (Ending.WALL_TIME, Ending.CPU_TIME)
    # Even where the interrupt meets the cell itself between two attempts, its copies go on.
    assert not result.variables_kept
    assert (
        await shown(sandbox, "print(len([n for n in os.listdir('/proc') if n.isdigit()]))") == "2"
    )


async def test_threads_count_as_processes(sandbox: Sandbox) -> None:
    code = (
        "import threading\nstop = threading.Event()\nmade = 0\n"
        "def more():\n"
        "    global made\n"
        "    while True:\n"
        "        threading.Thread(target=stop.wait).start()\n"
        "        made += 1\n"
        "print(attempt(more), 0 < made < 16)\nstop.set()"
    )
    assert await shown(sandbox, code) == "RuntimeError True"


@pytest.mark.parametrize(
    ("place", "size"),
    [("/mnt/data", SMALL.disk), ("/tmp", SMALL.scratch), ("/dev/shm", SMALL.scratch)],
)
async def test_disks_are_full_when_they_are_full(sandbox: Sandbox, place: str, size: int) -> None:
    code = (
        "def fill():\n"
        "    for n in range(100):\n"
        f"        with open(f'{place}/{{n}}', 'wb') as file: file.write(bytes(2**20))\n"
        "print(attempt(fill))\n"
        f"print(sum(os.path.getsize(f'{place}/{{n}}') for n in range(100)"
        f" if os.path.exists(f'{place}/{{n}}')))"
    )
    error, used = (await shown(sandbox, code)).split()
    assert error == "ENOSPC"
    assert size - 64 * 1024 <= int(used) <= size


async def test_one_huge_file(sandbox: Sandbox) -> None:
    code = "print(attempt(lambda: open('/mnt/data/x', 'wb').truncate(10**12)))"
    assert await shown(sandbox, code) == "EFBIG"


async def test_many_files(sandbox: Sandbox) -> None:
    result = await sandbox.run("n = 0\nwhile True:\n    open(f'/tmp/{n}', 'w').close()\n    n += 1")
    assert (result.ending, result.variables_kept) == (Ending.FILES, False)
    # There are too many now, and a cell may still delete them.
    code = (
        "names = os.listdir('/tmp')\nprint(len(names) > 190)\n"
        "for name in names: os.remove('/tmp/' + name)"
    )
    assert await shown(sandbox, code) == "True"
    assert await shown(sandbox, "print(len(os.listdir('/tmp')))") == "0"


async def test_many_open_files(sandbox: Sandbox) -> None:
    code = "print(attempt(lambda: [open('/dev/null') for _ in range(10_000)]))"
    assert await shown(sandbox, code) == "EMFILE"


async def test_processor_time(opener: Opener) -> None:
    sandbox = await opener(replace(SMALL, cpu_seconds=0.5))
    result = await sandbox.run("x = 1\nwhile True: pass")
    assert (result.ending, result.variables_kept) == (Ending.CPU_TIME, True)
    assert result.text(Stream.ERROR).endswith("KeyboardInterrupt\n")
    assert result.cpu_seconds >= 0.5
    assert await shown(sandbox, "x") == "1"


@pytest.mark.parametrize(
    "deaf",
    [
        "def spin():\n    while True: pass\n"
        "while True:\n    try: spin()\n    except BaseException: pass",
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass",
        "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: pass",
        "import re\nre.match('(a+)+$', 'a' * 64 + 'b')",
    ],
    ids=["catches", "ignores", "blocks", "inside-c"],
)
async def test_cells_that_do_not_heed_an_interrupt_are_killed(opener: Opener, deaf: str) -> None:
    sandbox = await opener(replace(SMALL, cpu_seconds=0.5))
    result = await sandbox.run(deaf)
    assert result.ending is Ending.CPU_TIME
    # `re` looks for signals now and then.
    assert result.variables_kept is deaf.startswith("import re")
    assert await shown(sandbox, "1") == "1"


async def test_sleeping_forever(opener: Opener) -> None:
    sandbox = await opener(replace(SMALL, wall_seconds=0.5))
    result = await sandbox.run("import time\nx = 1\ntime.sleep(10**6)")
    assert (result.ending, result.variables_kept) == (Ending.WALL_TIME, True)
    assert result.notes == ("The cell was stopped: it ran longer than it may.",)
    result = await sandbox.run("x\nimport os, signal\nos.kill(os.getpid(), signal.SIGSTOP)")
    assert (result.ending, result.variables_kept) == (Ending.WALL_TIME, False)


async def test_printing_forever(opener: Opener) -> None:
    sandbox = await opener(replace(SMALL, wall_seconds=1.0))
    result = await sandbox.run("while True: print('一' * 1000)")
    assert (result.ending, result.variables_kept) == (Ending.WALL_TIME, True)
    assert len(result.text(Stream.STDOUT).encode()) in range(
        SMALL.text_bytes - 2, SMALL.text_bytes + 1
    )
    assert result.omitted_bytes > 0
    assert result.text(Stream.ERROR).endswith("KeyboardInterrupt\n")
    assert await shown(sandbox, "1") == "1"


async def test_a_program_that_writes_forever(opener: Opener) -> None:
    sandbox = await opener(replace(SMALL, wall_seconds=1.0))
    result = await sandbox.run("import os\nwhile True: os.write(1, b'x' * 65536)")
    assert (result.ending, result.variables_kept) == (Ending.WALL_TIME, True)
    assert result.text(Stream.STDOUT) == "x" * SMALL.text_bytes
    assert result.omitted_bytes > 0


async def test_one_huge_line(sandbox: Sandbox) -> None:
    result = await sandbox.run("print('x' * 9_000_000)\n'done'")
    assert result.text(Stream.STDOUT) == "x" * SMALL.text_bytes
    assert result.text(Stream.VALUE) == "'done'\n"
    assert result.omitted_bytes == 9_000_001 - SMALL.text_bytes


async def test_deep_recursion(sandbox: Sandbox) -> None:
    result = await sandbox.run("def f(): return f()\nf()")
    assert (result.ending, result.variables_kept) == (Ending.FAILED, True)
    assert "RecursionError: maximum recursion depth exceeded" in result.text(Stream.ERROR)
    assert len(result.text()) < 1000
    code = (
        "import sys\nsys.setrecursionlimit(10**9)\n"
        "class A:\n    def __repr__(self): return repr(self)\nA()"
    )
    result = await sandbox.run(code)
    # Depending on the Python: out of stack, or out of memory.
    assert result.ending in (Ending.DIED, Ending.FAILED)
    assert await shown(sandbox, "1") == "1"
