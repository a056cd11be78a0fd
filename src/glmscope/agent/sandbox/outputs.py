"""What a sandbox says of a cell, checked and put together: nothing of it is taken on trust."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

from glmscope.agent.sandbox.inside.wire import Message
from glmscope.agent.sandbox.limits import SandboxLimits
from glmscope.agent.sandbox.outcome import CellResult, Ending, Image, Output, Stream, Text

_PNG = b"\x89PNG\r\n\x1a\n"
_DETAIL_CHARACTERS = 100


class NonsenseError(Exception):
    """A message that no supervisor of ours sends."""


class Outputs:
    """The outputs of one cell, each handed on as it comes."""

    def __init__(
        self, limits: SandboxLimits, on_output: Callable[[Output], None] | None = None
    ) -> None:
        self._limits = limits
        self._on_output = on_output
        self._text_left = 3 * limits.text_bytes  # printed, value, error
        self._images_left = limits.images
        self._outputs: list[Output] = []
        self._odd_images = 0

    def add(self, message: Message) -> None:
        """Take a message. Raises NonsenseError."""
        event = message.get("event")
        if event == "text":
            self._add_text(message.get("stream"), message.get("text"))
        elif event == "image":
            self._add_image(message.get("data"))
        else:
            raise NonsenseError

    def result(self, end: Message) -> CellResult:
        """The cell's outcome. Raises NonsenseError."""
        try:
            ending = Ending(end.get("ending"))
        except ValueError:
            raise NonsenseError from None
        detail = end.get("detail")
        return CellResult(
            outputs=tuple(self._outputs),
            ending=ending,
            variables_kept=end.get("variables_kept") is True,
            omitted_bytes=_count(end.get("omitted_bytes")),
            omitted_images=_count(end.get("omitted_images")) + self._odd_images,
            seconds=_seconds(end.get("seconds")),
            cpu_seconds=_seconds(end.get("cpu_seconds")),
            detail=detail[:_DETAIL_CHARACTERS] if isinstance(detail, str) else None,
        )

    def lost(self) -> CellResult:
        """The outcome where there was no end."""
        return CellResult(tuple(self._outputs), Ending.LOST, variables_kept=False)

    def _add_text(self, stream: object, text: object) -> None:
        if not isinstance(stream, str) or not isinstance(text, str):
            raise NonsenseError
        data = text.encode("utf-8", "backslashreplace")  # no lone surrogates
        self._text_left -= len(data)
        if self._text_left < 0:
            raise NonsenseError
        try:
            self._give(Text(Stream(stream), data.decode("utf-8")))
        except ValueError:
            raise NonsenseError from None

    def _add_image(self, data: object) -> None:
        self._images_left -= 1
        if self._images_left < 0 or not isinstance(data, str):
            raise NonsenseError
        try:
            png = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            png = b""  # of a cell's making
        if not png.startswith(_PNG) or len(png) > self._limits.image_bytes:
            self._odd_images += 1  # a `_repr_png_` may give anything
            return
        self._give(Image(png))

    def _give(self, output: Output) -> None:
        if self._on_output is not None:
            self._on_output(output)
        last = self._outputs[-1] if self._outputs else None
        if isinstance(output, Text) and isinstance(last, Text) and last.stream is output.stream:
            self._outputs[-1] = Text(last.stream, last.text + output.text)
        else:
            self._outputs.append(output)


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _seconds(value: object) -> float:
    return float(value) if isinstance(value, int | float) and value > 0 else 0.0
