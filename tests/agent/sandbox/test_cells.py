"""Cells, as a notebook runs them."""

from __future__ import annotations

import asyncio

import psutil
import pytest

from glmscope.agent.sandbox import Ending, Output, Sandbox, SandboxLimits, Stream, Text
from glmscope.agent.sandbox.sandbox import CODE_BYTES
from glmscope.errors import InvalidParameter
from tests.agent.sandbox.conftest import Opener, processes_of, shown


async def test_names_are_kept_from_cell_to_cell(sandbox: Sandbox) -> None:
    await sandbox.run("import math\ndef area(r):\n    return math.pi * r * r\nx = 2")
    result = await sandbox.run("round(area(x), 2)")
    assert result.outputs == (Text(Stream.VALUE, "12.57\n"),)
    assert result.ending is Ending.DONE
    assert result.variables_kept
    assert await shown(sandbox, "_") == "12.57"


async def test_outputs_come_in_order(sandbox: Sandbox) -> None:
    code = (
        "import sys\nprint('一', end='')\nprint('二', file=sys.stderr)\nprint('三')\n"
        "display('四')\nsys.stdout.buffer.write('五\\n'.encode())\n'六'"
    )
    seen: list[Output] = []
    result = await sandbox.run(code, seen.append)
    assert result.outputs == (
        Text(Stream.STDOUT, "一"),
        Text(Stream.STDERR, "二\n"),
        Text(Stream.STDOUT, "三\n"),
        Text(Stream.VALUE, "'四'\n"),
        Text(Stream.STDOUT, "五\n"),
        Text(Stream.VALUE, "'六'\n"),
    )
    assert tuple(seen) == result.outputs
    assert result.text(Stream.STDOUT) == "一三\n五\n"


@pytest.mark.parametrize("code", ["", "# nothing", "x = 1", "None", "%matplotlib inline"])
async def test_cells_without_a_value_show_nothing(sandbox: Sandbox, code: str) -> None:
    result = await sandbox.run(code)
    assert (result.outputs, result.ending) == ((), Ending.DONE)


async def test_a_traceback_has_the_lines_of_cells_alone(sandbox: Sandbox) -> None:
    await sandbox.run("def half(text):\n    return int(text) / 2")
    result = await sandbox.run("import json\njson.loads('x') if False else half('x')")
    assert result.ending is Ending.FAILED
    assert result.variables_kept
    (error,) = result.outputs
    assert isinstance(error, Text)
    assert error.stream is Stream.ERROR
    lines = error.text.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert [line for line in lines if "File" in line] == [
        '  File "<cell 2>", line 2, in <module>',
        '  File "<cell 1>", line 2, in half',
    ]
    assert "    return int(text) / 2" in lines
    assert lines[-1] == "ValueError: invalid literal for int() with base 10: 'x'"


async def test_causes_are_told_and_library_frames_are_not(sandbox: Sandbox) -> None:
    code = (
        "import json\ntry:\n    json.loads('{')\n"
        "except ValueError as error:\n    raise KeyError(1) from error"
    )
    error = (await sandbox.run(code)).text(Stream.ERROR)
    assert "json.decoder.JSONDecodeError: Expecting property name" in error
    assert error.endswith("KeyError: 1\n")
    assert "/opt/" not in error


async def test_code_that_is_not_python(sandbox: Sandbox) -> None:
    result = await sandbox.run("x = 1\nprint('no'\n")
    assert result.ending is Ending.FAILED
    assert result.text().startswith('  File "<cell 1>", line 2\n')
    assert result.text().endswith("SyntaxError: '(' was never closed\n")
    assert await shown(sandbox, "'x' in globals()") == "False"


async def test_exit_ends_the_cell_and_not_the_session(sandbox: Sandbox) -> None:
    assert (await sandbox.run("import sys\nx = 5\nsys.exit()")).ending is Ending.DONE
    result = await sandbox.run("sys.exit('stop')")
    assert (result.ending, result.text()[-17:]) == (Ending.FAILED, "SystemExit: stop\n")
    assert await shown(sandbox, "x") == "5"


async def test_an_error_keeps_its_end_when_it_is_long(sandbox: Sandbox) -> None:
    error = (await sandbox.run("raise ValueError('y' * 50_000 + 'end')")).text(Stream.ERROR)
    assert error.endswith("yyyend\n")
    assert "characters are left out]" in error
    assert len(error) < 9000


async def test_a_value_whose_repr_fails(sandbox: Sandbox) -> None:
    code = "class Odd:\n    def __repr__(self):\n        raise OSError('no words')\nOdd()"
    result = await sandbox.run(code)
    assert (result.ending, result.text()[-18:]) == (Ending.FAILED, "OSError: no words\n")


async def test_what_programs_write_is_collected(sandbox: Sandbox) -> None:
    code = (
        "import subprocess, os\n"
        "subprocess.run([sys.executable, '-c', 'print(6 * 7)'])\n"
        "os.write(2, '完\\n'.encode())"
    )
    result = await sandbox.run("import sys\n" + code)
    assert result.text(Stream.STDOUT) == "42\n完\n"


async def test_a_forked_copy_does_not_go_on_as_a_second_kernel(sandbox: Sandbox) -> None:
    assert await shown(sandbox, "if os.fork(): print(os.wait()[1])") == "0"
    assert await shown(sandbox, "1 + 1") == "2"


async def test_interrupt_ends_a_cell_and_keeps_the_names(sandbox: Sandbox) -> None:
    started = asyncio.Event()
    code = "import time\nx = 1\nprint('on')\ntime.sleep(1000)"
    running = asyncio.ensure_future(sandbox.run(code, lambda _: started.set()))
    await started.wait()
    await sandbox.interrupt()
    result = await running
    assert (result.ending, result.variables_kept) == (Ending.INTERRUPTED, True)
    assert result.text(Stream.ERROR).endswith("KeyboardInterrupt\n")
    assert result.notes == ("The cell was interrupted.",)
    assert await shown(sandbox, "x") == "1"


async def test_interrupt_while_nothing_runs_does_nothing(sandbox: Sandbox) -> None:
    await sandbox.interrupt()
    assert await shown(sandbox, "2") == "2"


async def test_cancelling_interrupts_the_cell(sandbox: Sandbox) -> None:
    started = asyncio.Event()
    code = "import time\ny = 1\nprint('on')\ntime.sleep(1000)\ny = 2"
    running = asyncio.ensure_future(sandbox.run(code, lambda _: started.set()))
    await started.wait()
    waiting = asyncio.ensure_future(sandbox.run("y = 3"))
    await asyncio.sleep(0)
    waiting.cancel()  # its turn has not come: it never runs
    running.cancel()
    for task in (running, waiting):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await shown(sandbox, "y") == "1"
    assert not sandbox.busy


async def test_nothing_works_on_between_cells(sandbox: Sandbox) -> None:
    code = (
        "import threading, itertools\n"
        "if not os.fork():\n    os.setsid()\n    while True: pass\n"
        "for n in range(2):\n"
        "    threading.Thread(target=lambda: [0 for _ in itertools.count()], daemon=True).start()"
    )
    await shown(sandbox, code)
    supervisor, *others = processes_of(sandbox)
    assert len(others) == 2
    for _ in range(200):
        states = {process.status() for process in others}
        # The supervisor looks after them now and then; one that is busy is never seen asleep.
        supervising = supervisor.status()
        if states == {psutil.STATUS_STOPPED} and supervising == psutil.STATUS_SLEEPING:
            break
        await asyncio.sleep(0.05)
    assert states == {psutil.STATUS_STOPPED}
    assert supervising == psutil.STATUS_SLEEPING
    assert await shown(sandbox, "threading.active_count()") == "3"


async def test_two_cells_at_once_run_one_after_the_other(sandbox: Sandbox) -> None:
    results = await asyncio.gather(*(sandbox.run(f"x = {n}\nx") for n in range(5)))
    assert [result.text() for result in results] == ["0\n", "1\n", "2\n", "3\n", "4\n"]


async def test_code_that_is_too_long_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(InvalidParameter, match=str(CODE_BYTES)):
        await sandbox.run("#" * (CODE_BYTES + 1))
    assert await shown(sandbox, "#" * 200_000 + "\n3") == "3"


async def test_a_closed_sandbox_says_so(opener: Opener) -> None:
    sandbox = await opener()
    running = asyncio.ensure_future(sandbox.run("import time\ntime.sleep(1000)"))
    while not processes_of(sandbox):
        await asyncio.sleep(0.01)
    await sandbox.close()
    result = await running
    assert (result.ending, result.variables_kept) == (Ending.LOST, False)
    assert sandbox.lost
    assert (await sandbox.run("1")).ending is Ending.LOST
    assert result.notes == ("The sandbox is gone, and with it all variables and files.",)


async def test_what_is_cut_is_counted(opener: Opener) -> None:
    sandbox = await opener(SandboxLimits(text_bytes=1000))
    result = await sandbox.run("print('中' * 1000)\nprint('x')\n'y' * 100")
    assert result.text(Stream.STDOUT) == "中" * 333
    assert result.text(Stream.VALUE) == "'" + "y" * 100 + "'\n"
    assert result.omitted_bytes == 3001 - 999 + 2
    assert result.notes == ("2004 bytes of output are left out.",)
