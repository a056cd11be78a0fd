"""What came out of a cell, in the order in which it came."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Stream(str, Enum):
    """Where a text comes from: printed, complained, the last expression's value, a traceback."""

    STDOUT = "stdout"
    STDERR = "stderr"
    VALUE = "value"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Text:
    """Words that a cell showed."""

    stream: Stream
    text: str


@dataclass(frozen=True, slots=True)
class Image:
    """A picture that a cell showed: the bytes of a PNG file, not checked beyond its first eight."""

    png: bytes


Output = Text | Image


class Ending(str, Enum):
    """Why a cell is no longer running."""

    DONE = "done"
    FAILED = "failed"  # an exception; its traceback is the last text of Stream.ERROR
    INTERRUPTED = "interrupted"
    WALL_TIME = "wall_time"
    CPU_TIME = "cpu_time"
    MEMORY = "memory"
    FILES = "files"
    DIED = "died"  # its process went away: os._exit, a crash, a signal
    LOST = "lost"  # the whole sandbox went away, files and all


_SENTENCES = {
    Ending.INTERRUPTED: "The cell was interrupted.",
    Ending.WALL_TIME: "The cell was stopped: it ran longer than it may.",
    Ending.CPU_TIME: "The cell was stopped: it used more processor time than it may.",
    Ending.MEMORY: "The cell was stopped: it used more memory than it may.",
    Ending.FILES: "The cell was stopped: it made more files than it may.",
    Ending.DIED: "The cell ended the process that it ran in.",
    Ending.LOST: "The sandbox is gone, and with it all variables and files.",
}


@dataclass(frozen=True, slots=True)
class CellResult:
    """A cell's whole outcome.

    `detail`: how the process ended, where it died.
    `variables_kept`: whether the next cell finds the names that this one and earlier ones bound.
    `omitted_bytes`, `omitted_images`: what was shown beyond the limits and is not in `outputs`.
    """

    outputs: tuple[Output, ...]
    ending: Ending
    variables_kept: bool
    omitted_bytes: int = 0
    omitted_images: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    detail: str | None = None

    @property
    def images(self) -> tuple[Image, ...]:
        """The pictures alone."""
        return tuple(output for output in self.outputs if isinstance(output, Image))

    def text(self, *streams: Stream) -> str:
        """The words of these streams, or of all, joined."""
        wanted = streams or tuple(Stream)
        return "".join(
            output.text
            for output in self.outputs
            if isinstance(output, Text) and output.stream in wanted
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader has to be told beside the outputs, a sentence each."""
        notes = [_SENTENCES[self.ending]] if self.ending in _SENTENCES else []
        if self.omitted_bytes:
            notes.append(f"{self.omitted_bytes} bytes of output are left out.")
        if self.omitted_images:
            notes.append(f"{self.omitted_images} pictures are left out.")
        if not self.variables_kept and self.ending is not Ending.LOST:
            notes.append("All variables are gone; the files are still there.")
        return tuple(notes)
