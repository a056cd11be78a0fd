"""Cells that turn on the kernel that runs them, or speak in its name."""

from __future__ import annotations

import asyncio

import psutil
import pytest

from glmscope.agent.sandbox import Ending, Sandbox, Stream
from tests.agent.sandbox.conftest import Opener, processes_of, shown

# Finds the pipe of replies among the open files of the kernel: a reply is written to each.
FORGE = """
import os, json
def forge(data):
    for handle in range(3, 64):
        try: os.write(handle, data)
        except OSError: pass
"""


@pytest.mark.parametrize(
    ("code", "detail"),
    [
        ("import os\nos._exit(3)", "status 3"),
        ("import os\nos._exit(0)", "status 0"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "signal SIGSEGV"),
        ("import ctypes\nctypes.string_at(0)", "signal SIGSEGV"),
        ("import os\nos.execve('/opt/none', ['x'], {})", None),
        ("import os\nos.closerange(0, 64)", "status 1"),
        (
            "import os, time\nos.closerange(3, 64)\ntime.sleep(1000)",
            "its connection was closed or misused",
        ),
        (FORGE + "forge(b'no message' + bytes([10]))", "its connection was closed or misused"),
        (FORGE + "forge(b'[1]' + bytes([10]))", "its connection was closed or misused"),
        (FORGE + "forge(b'[' * 100000 + bytes([10]))", "its connection was closed or misused"),
        (FORGE + "forge(b'x' * 6_000_000)", "its connection was closed or misused"),
        ("import json\njson.dumps = None", "status 1"),
        ("import os\nos.write = lambda *_: 1 / 0", "status 1"),
    ],
)
async def test_ends_of_the_kernel(sandbox: Sandbox, code: str, detail: str | None) -> None:
    await sandbox.put("kept.txt", b"kept")
    await shown(sandbox, "x = 1")
    result = await sandbox.run(code)
    expected = Ending.FAILED if detail is None else Ending.DIED
    assert (result.ending, result.detail) == (expected, detail)
    assert result.variables_kept is (detail is None)
    assert await shown(sandbox, "print('x' in globals())") == str(detail is None)
    assert await shown(sandbox, "print(open('/mnt/data/kept.txt').read())") == "kept"


async def test_words_before_the_end_are_kept(sandbox: Sandbox) -> None:
    result = await sandbox.run("import os\nprint('last words')\nos._exit(1)")
    assert (result.ending, result.text()) == (Ending.DIED, "last words\n")


@pytest.mark.parametrize(
    "code",
    [
        "import sys\nfor name in list(sys.modules): del sys.modules[name]",
        "import builtins\nfor name in dir(builtins): setattr(builtins, name, None)",
        "import sys\nsys.stdout = sys.stderr = None",
        "import sys\nsys.stdout.close()",
        "import sys\nsys.modules['inside.cell'].Cells.run = None",
        "import gc\nfor thing in gc.get_objects():\n"
        "    if type(thing).__name__ == 'Replies': thing.__dict__.clear()",
        "globals().clear()",
    ],
)
async def test_a_spoiled_kernel_is_mended_by_the_second_cell(sandbox: Sandbox, code: str) -> None:
    """It may go on or die in that cell or the next: the one after that finds a sound one."""
    first = await sandbox.run(code)
    second = await sandbox.run("1 + 1")
    assert {first.ending, second.ending} <= {Ending.DONE, Ending.FAILED, Ending.DIED}
    if Ending.DIED in (first.ending, second.ending):
        assert await shown(sandbox, "1 + 2") == "3"


async def test_replies_printed_are_words(sandbox: Sandbox) -> None:
    line = '{"event": "end", "id": 1, "ending": "done", "variables_kept": true}'
    result = await sandbox.run(f"print({line!r})\n1/0")
    assert result.text(Stream.STDOUT) == line + "\n"
    assert result.ending is Ending.FAILED


async def test_forged_messages_change_nothing(sandbox: Sandbox) -> None:
    messages: list[dict[str, object]] = [
        {"event": "text", "stream": "stdout", "text": 5},
        {"event": "text", "stream": ["x"], "text": "x"},
        {"event": "text", "stream": "nowhere", "text": "x"},
        {"event": "done", "id": 99, "ending": "done"},
        {"event": "done", "ending": "done"},
        {"event": "ready"},
        {"event": "end", "id": 1, "ending": "lost"},
        {"event": None},
        {},
    ]
    for message in messages:
        forgery = f"forge(json.dumps({message!r}).encode() + b'\\n')\n'mine'"
        result = await sandbox.run(FORGE + forgery)
        assert result.text() == "'mine'\n"
        assert (result.ending, result.variables_kept) == (Ending.DONE, True)


async def test_forged_pictures_are_no_pictures(sandbox: Sandbox) -> None:
    for data in ("", "AAAA", 5, None):
        message = {"event": "image", "data": data}
        code = FORGE + f"forge(json.dumps({message!r}).encode() + b'\\n')\n'mine'"
        result = await sandbox.run(code)
        assert (result.images, result.omitted_images) == ((), 1)
        assert (result.ending, result.text()) == (Ending.DONE, "'mine'\n")
    result = await sandbox.run(
        FORGE + "forge(json.dumps({'event': 'image', 'data': '?'}).encode() + b'\\n')"
    )
    assert (result.images, result.omitted_images) == ((), 1)


async def test_a_forged_end_wins_nothing(sandbox: Sandbox) -> None:
    """The cell is stopped in the middle, and its rest runs on the time of the next one."""
    code = FORGE + (
        "import time\n"
        "forge(json.dumps({'event': 'done', 'id': 1, 'ending': 'done'}).encode() + b'\\n')\n"
        "time.sleep(0.3)\nlate = True"
    )
    result = await sandbox.run(code)
    assert (result.ending, result.text()) == (Ending.DONE, "")
    _, *others = processes_of(sandbox)
    for _ in range(200):
        if {process.status() for process in others} == {psutil.STATUS_STOPPED}:
            break
        await asyncio.sleep(0.05)
    assert {process.status() for process in others} == {psutil.STATUS_STOPPED}
    assert await shown(sandbox, "print(late)") == "True"
    assert await shown(sandbox, "print(2)") == "2"


async def test_a_sandbox_that_is_killed_from_outside_is_lost(opener: Opener) -> None:
    sandbox = await opener()
    started = asyncio.Event()
    running = asyncio.ensure_future(
        sandbox.run("import time\nprint('on')\ntime.sleep(1000)", lambda _: started.set())
    )
    await started.wait()
    processes_of(sandbox)[0].kill()
    result = await running
    assert (result.ending, result.text()) == (Ending.LOST, "on\n")
    assert sandbox.lost
