"""Ways out, each tried for real, and what becomes of it."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from pathlib import Path

import pytest

from glmscope.agent.sandbox import Ending, Sandbox
from tests.agent.sandbox.conftest import MIB, PRELUDE, SECRET, Host, Opener, shown

REFUSED = "EPERM"


async def attempts(sandbox: Sandbox, calls: Iterable[str]) -> dict[str, str]:
    """Expression → the name of the error that it met, or what it gave."""
    wanted = list(calls)
    code = "".join(f"print(attempt(lambda: {call}))\n" for call in wanted)
    return dict(zip(wanted, (await shown(sandbox, code)).splitlines(), strict=True))


async def test_no_socket_of_any_family(sandbox: Sandbox) -> None:
    families = ("AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK", "AF_PACKET", "AF_VSOCK")
    kinds = ("SOCK_STREAM", "SOCK_DGRAM", "SOCK_RAW")
    calls = [f"socket.socket(socket.{f}, socket.{kind})" for f in families for kind in kinds]
    assert await attempts(sandbox, calls) == dict.fromkeys(calls, REFUSED)


async def test_no_connection_to_the_host(sandbox: Sandbox, host: Host) -> None:
    code = f"print(attempt(lambda: socket.create_connection(('127.0.0.1', {host.port}))))"
    assert await shown(sandbox, code) == REFUSED
    # A pair of sockets is allowed, and could send to addresses: they are of other namespaces.
    for address, error in ((host.abstract, "ECONNREFUSED"), (str(host.socket_path), "ENOENT")):
        code = (
            "one, two = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
            f"print(attempt(lambda: one.sendto(b'x', {address!r})))"
        )
        assert await shown(sandbox, code) == error


async def test_no_network_interface_but_its_own_loopback(sandbox: Sandbox) -> None:
    code = "print([line.split(':')[0].strip() for line in open('/proc/net/dev')][2:])"
    assert await shown(sandbox, code) == "['lo']"
    assert await shown(sandbox, "print(len(open('/proc/net/route').readlines()))") == "1"
    code = "print(attempt(lambda: socket.getaddrinfo('service.example', 80)))"
    assert await shown(sandbox, code) == "gaierror"


async def test_no_file_of_the_host(sandbox: Sandbox) -> None:
    paths = ("/etc/passwd", "/etc/shadow", "/etc/hostname", "/etc/resolv.conf", "/root", "/home")
    paths += ("/var", "/run", "/sys", "/boot", "/srv", "/bin/sh", "/usr/bin/env", "/dev/mem")
    calls = [f"os.stat({path!r})" for path in paths]
    assert await attempts(sandbox, calls) == dict.fromkeys(calls, "ENOENT")


async def test_nothing_lies_there_but_what_is_meant_to(sandbox: Sandbox, host: Host) -> None:
    expected = {"dev", "etc", "lib", "lib64", "mnt", "opt", "proc", "tmp", "usr"}
    assert set((await shown(sandbox, "print(*os.listdir('/'))")).split()) <= expected
    assert await shown(sandbox, "print(*os.listdir('/etc'))") in ("ld.so.cache", "")
    names = set((await shown(sandbox, "print(*os.listdir('/opt'))")).split())
    assert {"glmscope"} <= names <= {"glmscope", "python"}
    for path in (host.file, Path.home(), Path.cwd()):
        code = f"print(attempt(lambda: os.listdir({str(path)!r})))"
        assert await shown(sandbox, code) == "ENOENT"


async def test_nothing_of_the_environment(sandbox: Sandbox) -> None:
    names = (await shown(sandbox, "print(*os.environ)")).split()
    assert not {"GLMSCOPE_SECRET", "USER", "PWD", "SSH_AUTH_SOCK"} & set(names)
    code = (
        "import glob\nfound = []\n"
        "for path in glob.glob('/proc/[0-9]*/environ'):\n"
        "    text = attempt(lambda: open(path).read())\n"
        "    found.append('GLMSCOPE_SECRET' in text)\n"
        "print(set(found))"
    )
    assert await shown(sandbox, code) == "{False}"


async def test_no_other_process(sandbox: Sandbox, host: Host) -> None:
    code = "print(sorted(int(name) for name in os.listdir('/proc') if name.isdigit()))"
    assert await shown(sandbox, code) == "[1, 2]"
    assert (
        await shown(sandbox, f"print(attempt(lambda: os.kill({host.process.pid}, 9)))") == "ESRCH"
    )
    assert await shown(sandbox, f"print(attempt(lambda: os.kill({os.getpid()}, 0)))") == "ESRCH"


async def test_signals_do_not_reach_the_supervisor(sandbox: Sandbox) -> None:
    for number in ("SIGKILL", "SIGSTOP", "SIGTERM", "SIGINT", "SIGSEGV", "SIGCHLD"):
        calls = [f"os.kill({process}, signal.{number})" for process in (1, -1)]
        # There is nobody else to be reached: Linux never sends to the sender and to process 1.
        assert list((await attempts(sandbox, calls)).values()) == ["None", "ESRCH"]
    assert await shown(sandbox, "print(os.path.exists('/proc/1'))") == "True"


async def test_the_supervisor_cannot_be_read(sandbox: Sandbox) -> None:
    names = ("mem", "environ", "fd/0", "root/tmp", "cwd/tmp", "exe", "maps", "ns/net", "task/1/mem")
    calls = [f"os.open('/proc/1/{name}', os.O_RDONLY)" for name in names]
    assert set((await attempts(sandbox, calls)).values()) <= {"EACCES", "EPERM"}


async def test_limits_of_the_supervisor_cannot_be_set(sandbox: Sandbox) -> None:
    code = (
        "import resource\nprint(attempt(lambda: resource.prlimit(1, resource.RLIMIT_CPU, (1, 1))))"
    )
    assert await shown(sandbox, code) in ("EPERM", "PermissionError")
    code = "print(resource.prlimit(0, resource.RLIMIT_CORE))"
    assert await shown(sandbox, code) == "(0, 0)"
    code = "print(attempt(lambda: resource.setrlimit(resource.RLIMIT_AS, (2**40, 2**40))))"
    assert await shown(sandbox, code) in ("EPERM", "ValueError")


async def test_refused_calls(sandbox: Sandbox) -> None:
    calls = (
        "call('ptrace', 16, 1, 0, 0)",
        "call('ptrace', 0, 0, 0, 0)",
        "call('process_vm_readv', 1, 0, 0, 0, 0, 0)",
        "call('mount', b'none', b'/tmp', b'tmpfs', 0, 0)",
        "call('umount2', b'/proc', 2)",
        "call('unshare', 0x10000000)",
        "call('unshare', 0x00020000)",
        "call('setns', 0, 0)",
        "call('chroot', b'/tmp')",
        "call('sethostname', b'x', 1)",
        "call('memfd_create', b'x', 0)",
        "call('personality', 0x0040000)",
        "call('shmget', 1, 4096, 0o1600)",
        "os.chroot('/tmp')",
        "os.mknod('/tmp/disk', 0o060600, os.makedev(8, 0))",
        "os.setgroups([0])",
    )
    assert await attempts(sandbox, calls) == dict.fromkeys(calls, REFUSED)
    # In a namespace of users there is no user 0 at all to become.
    for call in ("os.setuid(0)", "os.setgid(0)"):
        assert (await attempts(sandbox, [call]))[call] in ("EPERM", "EINVAL")


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers are those of x86-64")
async def test_refused_numbers(sandbox: Sandbox) -> None:
    expected = {
        321: REFUSED,  # bpf
        298: REFUSED,  # perf_event_open
        250: REFUSED,  # keyctl
        425: REFUSED,  # io_uring_setup
        323: REFUSED,  # userfaultfd
        155: REFUSED,  # pivot_root
        435: "ENOSYS",  # clone3, whose flags a filter cannot see
        462: "ENOSYS",  # newer than the list
        0x40000000 + 41: REFUSED,  # socket by its x32 number
    }
    calls = {f"call('syscall', {n}, 0, 0, 0, 0, 0)": error for n, error in expected.items()}
    assert await attempts(sandbox, calls) == calls


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the number is that of x86-64")
async def test_clone_makes_no_namespaces(sandbox: Sandbox) -> None:
    flags = (0x10000000, 0x20000000, 0x40000000, 0x00020000, 0x02000000)
    calls = [f"call('syscall', 56, {flag} | signal.SIGCHLD, 0, 0, 0, 0)" for flag in flags]
    assert await attempts(sandbox, calls) == dict.fromkeys(calls, REFUSED)


async def test_no_privileges(sandbox: Sandbox) -> None:
    code = "print(*(line.strip() for line in open('/proc/self/status')), sep='\\n')"
    status = dict(
        line.split(":\t", 1) for line in (await shown(sandbox, code)).splitlines() if ":\t" in line
    )
    assert (status["CapEff"], status["CapPrm"], status["NoNewPrivs"], status["Seccomp"]) == (
        *("0" * 16, "0" * 16),
        *("1", "2"),
    )
    assert "0" not in status["Uid"].split()
    assert "0" not in status["Gid"].split()


async def test_nothing_can_be_written_but_what_is_bounded(sandbox: Sandbox) -> None:
    code = (
        "import json, subprocess\nwritten = []\n"
        "for line in open('/proc/self/mounts'):\n"
        "    place = line.split()[1]\n"
        "    result = attempt(lambda: open(place + '/x', 'w'))\n"
        "    if os.path.isdir(place) and type(result) is not str: written.append(place)\n"
        "print(sorted(written))"
    )
    assert await shown(sandbox, code) == "['/dev/shm', '/mnt/data', '/tmp']"
    for path in ("'/opt/glmscope/inside/kernel.py'", "os.__file__", "sys.executable", "'/x'"):
        code = f"print(attempt(lambda: open({path}, 'a')))"
        assert await shown(sandbox, code) in ("EROFS", "EACCES")
    for name in ("kernel/hostname", "kernel/core_pattern", "vm/drop_caches"):
        code = f"print(attempt(lambda: open('/proc/sys/{name}', 'w')))"
        assert await shown(sandbox, code) in ("EROFS", "EACCES", "ENOENT")
    code = "print(attempt(lambda: open('/proc/sysrq-trigger', 'w')))"
    assert await shown(sandbox, code) in ("EROFS", "EACCES", "ENOENT")


async def test_what_proc_tells_of_the_machine_is_hidden(sandbox: Sandbox) -> None:
    for name in ("cmdline", "modules", "partitions", "kallsyms", "keys", "timer_list"):
        code = f"print(repr(attempt(lambda: open('/proc/{name}').read())))"
        # Where it was hidden, a device lies that cannot be opened.
        assert await shown(sandbox, code) in ("''", "'ENOENT'", "'EACCES'")


async def test_two_sandboxes_do_not_see_each_other(opener: Opener) -> None:
    one, two = await opener(), await opener()
    await one.put("mine.txt", SECRET.encode())
    code = (
        "secret = 'of the first'\n"
        "for place in ('/tmp', '/dev/shm', '/mnt/data'): open(place + '/trace', 'w').write('x')\n"
        "child = os.fork() or signal.pause()"
    )
    await shown(one, code)
    seen = "[os.listdir(p) for p in ('/tmp', '/dev/shm', '/mnt/data')]"
    assert await shown(two, f"print({seen})") == "[[], [], []]"
    assert await shown(two, "print('secret' in globals())") == "False"
    code = "print(sorted(int(name) for name in os.listdir('/proc') if name.isdigit()))"
    assert await shown(two, code) == "[1, 2]"
    spaces = (
        "print([os.readlink(f'/proc/self/ns/{n}') for n in ('net', 'pid', 'mnt', 'ipc', 'uts')])"
    )
    mine, theirs = await shown(one, spaces), await shown(two, spaces)
    assert not set(mine.strip("[]").split(", ")) & set(theirs.strip("[]").split(", "))
    assert (await two.list()).files == ()
    user = "print(os.getuid())"
    if os.geteuid() == 0:
        assert await shown(one, user) != await shown(two, user)


async def test_killing_itself_keeps_the_files(sandbox: Sandbox) -> None:
    await sandbox.put("kept.txt", b"kept")
    result = await sandbox.run(PRELUDE + "os.kill(os.getpid(), signal.SIGKILL)")
    assert (result.ending, result.detail) == (Ending.DIED, "signal SIGKILL")
    assert not result.variables_kept
    assert await shown(sandbox, "print(open('/mnt/data/kept.txt').read())") == "kept"


async def test_shared_memory_counts_as_memory(sandbox: Sandbox) -> None:
    code = f"import mmap\nprint(attempt(lambda: mmap.mmap(-1, {512 * MIB})))"
    assert await shown(sandbox, code) == "ENOMEM"
