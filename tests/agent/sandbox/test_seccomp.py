"""The filter, run on paper."""

from __future__ import annotations

import errno
import re
import struct
from pathlib import Path

import pytest

from glmscope.agent.sandbox.seccomp import NEWEST, REFUSED, seccomp_filter

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOWED, KILLED = 0x7FFF0000, 0x80000000
EPERM, ENOSYS = 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS
# Where each processor's numbers stand, on a Debian with its headers.
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


def verdict(program: bytes, number: int, argument: int = 0, architecture: int = 0) -> int:
    """What the kernel's interpreter would return."""
    data = struct.pack("=IIQ6Q", number, architecture, 0, argument, 0, 0, 0, 0, 0)
    steps = list(struct.iter_unpack("=HBBI", program))
    at, value = 0, 0
    while True:
        code, if_true, if_false, k = steps[at]
        at += 1
        if code == 0x20:
            (value,) = struct.unpack_from("=I", data, k)
        elif code == 0x06:
            return int(k)
        else:
            holds = {0x15: value == k, 0x25: value > k, 0x45: bool(value & k)}[code]
            at += if_true if holds else if_false


@pytest.fixture(params=list(ARCHITECTURES))
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_refused_call_is_refused_and_others_are_not(machine: str) -> None:
    program = seccomp_filter(machine)
    assert program is not None
    column = list(ARCHITECTURES).index(machine)
    refused = {numbers[column] for numbers in REFUSED.values()}
    clone3 = 435
    for number in range(NEWEST + 1):
        expected = EPERM if number in refused else ENOSYS if number == clone3 else ALLOWED
        assert verdict(program, number, 0, ARCHITECTURES[machine]) == expected, number


def test_numbers_beyond_the_list_are_unknown(machine: str) -> None:
    program = seccomp_filter(machine)
    assert program is not None
    for number in (NEWEST + 1, 500, 0x3FFFFFFF):
        assert verdict(program, number, 0, ARCHITECTURES[machine]) == ENOSYS
    for number in (0x40000000, 0x40000029, 0xFFFFFFFF):  # the x32 numbers
        assert verdict(program, number, 0, ARCHITECTURES[machine]) == EPERM


def test_another_processor_s_calls_kill(machine: str) -> None:
    program = seccomp_filter(machine)
    assert program is not None
    assert verdict(program, 1, 0, 0x40000003) == KILLED  # i386


@pytest.mark.parametrize(
    ("machine", "clone", "prlimit"), [("x86_64", 56, 302), ("aarch64", 220, 261)]
)
def test_what_depends_on_an_argument(machine: str, clone: int, prlimit: int) -> None:
    program = seccomp_filter(machine)
    assert program is not None
    architecture = ARCHITECTURES[machine]
    for flags in (17, 0x003D0F00):  # fork, pthread_create
        assert verdict(program, clone, flags, architecture) == ALLOWED
    for bit in (17, 25, 26, 27, 28, 29, 30):
        assert verdict(program, clone, 17 | 1 << bit, architecture) == EPERM
    assert verdict(program, prlimit, 0, architecture) == ALLOWED
    assert verdict(program, prlimit, 1, architecture) == EPERM


def test_the_program_fits_in_a_pipe_and_in_the_kernel(machine: str) -> None:
    program = seccomp_filter(machine)
    assert program is not None
    assert len(program) % 8 == 0
    assert len(program) // 8 < 4096


def test_there_is_none_for_processors_that_are_not_listed() -> None:
    assert seccomp_filter("riscv64") is None


def test_the_numbers_are_those_of_the_headers(machine: str) -> None:
    if not HEADERS[machine].exists():
        pytest.skip("the kernel's headers are not installed (linux-libc-dev)")
    text = HEADERS[machine].read_text()
    numbers = {n: int(v) for n, v in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", text)}
    column = list(ARCHITECTURES).index(machine)
    ours = {name: both[column] for name, both in REFUSED.items() if both[column] is not None}
    assert {name: numbers.get(name) for name in ours} == ours
