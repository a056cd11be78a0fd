"""What a sandbox may use."""

from __future__ import annotations

from dataclasses import dataclass

_MIB = 2**20


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """Bounds of one sandbox; times in seconds, sizes in bytes.

    `memory` holds for each process by itself (a cell gets a MemoryError) and for all of them
    together (the cell is ended). `disk` bounds /mnt/data, `scratch` each of /tmp and /dev/shm; both
    live in memory, so a sandbox never takes more than `memory + disk + 2 * scratch` and some kernel
    buffers. `processes` counts threads too, as the kernel does.
    """

    wall_seconds: float = 60.0
    cpu_seconds: float = 30.0
    interrupt_seconds: float = 2.0  # a cell that does not heed an interrupt is killed after this
    start_seconds: float = 60.0
    memory: int = 1024 * _MIB
    disk: int = 128 * _MIB
    scratch: int = 64 * _MIB
    files: int = 4096
    processes: int = 32
    open_files: int = 64
    text_bytes: int = 65_536  # what a cell prints; its value and its error have this much each
    images: int = 8
    image_bytes: int = 2 * _MIB
