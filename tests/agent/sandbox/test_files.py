"""Files of /mnt/data, in and out."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from glmscope.agent.sandbox import DataFile, Ending, Listing, Sandbox
from glmscope.agent.sandbox.inside.wire import CHUNK_BYTES
from glmscope.errors import InvalidParameter, SandboxUnavailable
from tests.agent.sandbox.conftest import SECRET, SMALL, Host, Opener, shown


async def test_there_and_back(sandbox: Sandbox) -> None:
    data = os.urandom(3 * CHUNK_BYTES + 17)
    await sandbox.put("数据 1.bin", data)
    await sandbox.put("empty", b"")
    assert await sandbox.get("数据 1.bin") == data
    assert await sandbox.get("empty") == b""
    code = "print(*sorted(os.listdir('/mnt/data')), os.path.getsize('数据 1.bin'), os.getcwd())"
    assert await shown(sandbox, code) == f"empty 数据 1.bin {len(data)} /mnt/data"
    assert await sandbox.list() == Listing(
        (DataFile("empty", 0), DataFile("数据 1.bin", len(data))), 0
    )


async def test_a_file_is_replaced(sandbox: Sandbox) -> None:
    await sandbox.put("x", b"first")
    await sandbox.put("x", b"2")
    assert await sandbox.get("x") == b"2"
    assert (await sandbox.list()).files == (DataFile("x", 1),)


async def test_files_of_a_cell_and_of_directories(sandbox: Sandbox) -> None:
    await shown(sandbox, "os.makedirs('a/b')\nopen('a/b/c.txt', 'w').write('三')")
    assert (await sandbox.list()).files == (DataFile("a/b/c.txt", 3),)
    assert await sandbox.get("a/b/c.txt") == "三".encode()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/etc/passwd", "../x", "a\0b", "x" * 256])
async def test_names_that_cannot_be(sandbox: Sandbox, name: str) -> None:
    with pytest.raises(InvalidParameter):
        await sandbox.put(name, b"x")
    if name != "a/b":
        with pytest.raises(InvalidParameter):
            await sandbox.get(name)
    assert (await sandbox.list()).files == ()


async def test_paths_that_lead_nowhere(sandbox: Sandbox) -> None:
    await shown(sandbox, "os.mkdir('d')\nos.mkfifo('pipe')\nopen('f', 'w').close()")
    for path, why in (
        ("none", "No such file or directory"),
        ("d", "is not a file"),
        ("pipe", "is not a file"),
        ("f/x", "Not a directory"),
        ("d/../f", "from /mnt/data on"),
        ("d//f", "from /mnt/data on"),
    ):
        with pytest.raises(InvalidParameter, match=why):
            await sandbox.get(path)
    with pytest.raises(InvalidParameter, match="cannot be had"):
        await sandbox.put("d", b"a directory has that name")
    assert await shown(sandbox, "1") == "1"


async def test_no_link_is_followed(sandbox: Sandbox, host: Host) -> None:
    code = (
        f"os.symlink({str(host.file)!r}, 'out')\n"
        "os.symlink('/proc/self/environ', 'self')\n"
        "os.symlink('/proc/1/environ', 'supervisor')\n"
        "os.symlink('/opt/glmscope/inside', 'code')\n"
        "os.symlink('/', 'all')\n"
        "open('real', 'w').write('real')\nos.symlink('real', 'alias')\n"
        "print(attempt(lambda: open('out').read()))"
    )
    assert await shown(sandbox, code) == "ENOENT"
    for path in ("out", "self", "supervisor", "alias", "code", "code/wire.py", "all/tmp"):
        with pytest.raises(InvalidParameter):
            await sandbox.get(path)
    assert await sandbox.list() == Listing((DataFile("real", 4),), 6)


async def test_a_link_is_replaced_and_not_written_through(sandbox: Sandbox) -> None:
    await shown(sandbox, "open('/tmp/target', 'w').write('before')\nos.symlink('/tmp/target', 'x')")
    await sandbox.put("x", SECRET.encode())
    assert (
        await shown(sandbox, "print(os.path.islink('x'), open('/tmp/target').read())")
        == "False before"
    )
    await shown(sandbox, "os.symlink('/tmp/target', '.incoming')")
    await sandbox.put("y", b"y")
    assert await shown(sandbox, "print(open('/tmp/target').read())") == "before"


async def test_what_does_not_fit_is_refused_and_leaves_nothing(sandbox: Sandbox) -> None:
    with pytest.raises(InvalidParameter, match="No space left on device"):
        await sandbox.put("large", bytes(SMALL.disk + 1))
    assert await sandbox.list() == Listing((), 0)
    await sandbox.put("small", b"x")
    assert await sandbox.get("small") == b"x"


async def test_a_file_beyond_the_limit_is_not_handed_out(sandbox: Sandbox) -> None:
    await sandbox.put("x", bytes(1001))
    with pytest.raises(InvalidParameter, match="1001 bytes; at most 1000"):
        await sandbox.get("x", limit=1000)
    assert len(await sandbox.get("x", limit=1001)) == 1001


async def test_names_that_are_not_text_are_counted(sandbox: Sandbox) -> None:
    await shown(sandbox, "open(b'\\xff\\xfe', 'w').close()\nopen('ok', 'w').close()")
    assert await sandbox.list() == Listing((DataFile("ok", 0),), 1)


async def test_deep_directories_do_no_harm(sandbox: Sandbox) -> None:
    code = (
        "for _ in range(150):\n    os.mkdir('d' * 200)\n    os.chdir('d' * 200)\n"
        "os.chdir('/mnt/data')"
    )
    await shown(sandbox, code)
    assert (await sandbox.list()).files == ()


async def test_files_wait_for_the_cell(sandbox: Sandbox) -> None:
    import asyncio

    code = "import time\nprint('on')\ntime.sleep(0.3)\nopen('x', 'w').write('whole')"
    started = asyncio.Event()
    running = asyncio.ensure_future(sandbox.run(code, lambda _: started.set()))
    await started.wait()
    assert await sandbox.get("x") == b"whole"
    assert (await running).ending is Ending.DONE


async def test_a_cancelled_transfer_leaves_the_sandbox_in_order(opener: Opener) -> None:
    import asyncio

    sandbox = await opener(replace(SMALL, disk=8 * 2**20))
    task = asyncio.ensure_future(sandbox.put("x", bytes(6 * 2**20)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await shown(sandbox, "print(os.path.getsize('x'))") == str(6 * 2**20)


async def test_a_closed_sandbox_has_no_files(opener: Opener) -> None:
    sandbox = await opener()
    await sandbox.put("x", b"x")
    await sandbox.close()
    for operation in (sandbox.get("x"), sandbox.put("y", b"y"), sandbox.list()):
        with pytest.raises(SandboxUnavailable):
            await operation
