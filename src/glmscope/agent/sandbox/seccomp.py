"""The system calls that a sandbox does without: a filter in classic BPF, as bubblewrap takes it.

Namespaces already keep a cell away from the machine; the filter keeps it away from the parts of the
kernel in which namespaces have been broken, and from memory that no limit counts. What is refused
fails with EPERM. What is newer than this list fails with ENOSYS, so that nothing unknown is let in.

Source: seccomp(2); linux/filter.h, linux/seccomp.h; numbers of asm/unistd_64.h (x86-64) and
asm-generic/unistd.h (ARM64).
"""

from __future__ import annotations

import errno
import struct
from dataclasses import dataclass

# Name → its number on x86-64 and on ARM64; None where it does not exist.
REFUSED: dict[str, tuple[int, int | None]] = {
    # the network, beyond pairs of sockets that are connected to each other
    "socket": (41, 198),
    # other processes' memory and open files
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    # mounts and namespaces
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "unshare": (272, 97),
    "setns": (308, 268),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    # memory and keys that no limit of ours counts
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "mq_open": (240, 180),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    # wide doors into the kernel
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "personality": (135, 92),
    "move_pages": (279, 239),
    "migrate_pages": (256, 238),
    "modify_ldt": (154, None),
    # the machine itself
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "syslog": (103, 116),
    "vhangup": (153, 58),
    "iopl": (172, None),
    "ioperm": (173, None),
}
NEWEST = 450  # set_mempolicy_home_node; from 424 on the numbers are the same everywhere

_CLONE = (56, 220)
_CLONE3 = (435, 435)  # its flags lie in memory, where a filter cannot look; libc then takes clone
_PRLIMIT64 = (302, 261)
_NEW_NAMESPACE = 0x7E02_0000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_X32 = 0x4000_0000  # the other set of numbers that x86-64 kernels may answer to

_LOAD, _EQUAL, _GREATER, _ANY_BIT, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
_ALLOW, _ERRNO, _KILL = 0x7FFF_0000, 0x0005_0000, 0x8000_0000
_REFUSE, _UNKNOWN = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS


@dataclass(frozen=True, slots=True)
class _Machine:
    audit: int
    column: int


_MACHINES = {
    "x86_64": _Machine(0xC000_003E, 0),
    "aarch64": _Machine(0xC000_00B7, 1),
}


def seccomp_filter(machine: str) -> bytes | None:
    """The program for `platform.machine()`, or None for one whose numbers are not listed."""
    found = _MACHINES.get(machine)
    if found is None:
        return None
    refused = [numbers[found.column] for numbers in REFUSED.values()]
    program = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_EQUAL, found.audit, 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER),
        _step(_GREATER, _X32 - 1, 0, 1),
        _step(_RETURN, _REFUSE),
        _step(_GREATER, NEWEST, 0, 1),
        _step(_RETURN, _UNKNOWN),
        *_returns(_CLONE3[found.column], _UNKNOWN),
    ]
    for number in refused:
        if number is not None:
            program += _returns(number, _REFUSE)
    program += [
        _step(_EQUAL, _CLONE[found.column], 0, 3),
        _step(_LOAD, _FIRST_ARGUMENT),
        _step(_ANY_BIT, _NEW_NAMESPACE, 0, 1),
        _step(_RETURN, _REFUSE),
        _step(_LOAD, _NUMBER),
        # Limits of other processes: of the supervisor, that is.
        _step(_EQUAL, _PRLIMIT64[found.column], 0, 3),
        _step(_LOAD, _FIRST_ARGUMENT),
        _step(_EQUAL, 0, 1, 0),
        _step(_RETURN, _REFUSE),
        _step(_RETURN, _ALLOW),
    ]
    return b"".join(program)


def _returns(number: int, value: int) -> list[bytes]:
    return [_step(_EQUAL, number, 0, 1), _step(_RETURN, value)]


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """struct sock_filter: the jumps count the instructions that are passed over."""
    return struct.pack("=HBBI", code, if_true, if_false, value)
