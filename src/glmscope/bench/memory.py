"""Memory of a process: what is its own, and what a file stands behind."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from pathlib import Path

_STATUS = Path("/proc/self/status")
_EVERY_SECONDS = 0.05


@dataclass
class Memory:
    """Bytes. Of a peak, each number is its own largest, so that they need not add up."""

    resident: int = 0
    private: int = 0
    """What no file stands behind, which cannot be given back under pressure."""
    mapped: int = 0
    """Pages of mapped files: weights that are read in place, libraries."""

    def add(self, other: Memory) -> None:
        """Count one more process."""
        self.resident += other.resident
        self.private += other.private
        self.mapped += other.mapped

    def rise_to(self, other: Memory) -> None:
        """Keep the larger of each number."""
        self.resident = max(self.resident, other.resident)
        self.private = max(self.private, other.private)
        self.mapped = max(self.mapped, other.mapped)

    def as_json(self) -> dict[str, int]:
        """Bytes by name."""
        return asdict(self)


def memory_now() -> Memory | None:
    """What this process takes at the moment; None where the system does not tell (not Linux).

    Read from counters of the kernel, which costs a timed run nothing.
    """
    try:
        lines = _STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    fields = dict(line.split(":", 1) for line in lines)
    sizes = {
        name: int(fields[name].split()[0]) * 1024
        for name in ("RssAnon", "RssFile", "RssShmem")
        if name in fields
    }
    private = sizes.get("RssAnon", 0)
    resident = sum(sizes.values())
    return Memory(resident, private, resident - private)


class PeakMemory:
    """The most that this process took while a block of `with` ran; blocks add to each other.

    A peak shorter than the time between two samples is missed.
    """

    def __init__(self) -> None:
        self.peak: Memory | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread()

    def __enter__(self) -> PeakMemory:
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            last = self._ended.wait(_EVERY_SECONDS)
            now = memory_now()
            if now is None:
                return
            if self.peak is None:
                self.peak = Memory()
            self.peak.rise_to(now)
            if last:
                return
