"""How much of what a cell shows is passed on; the rest is counted."""

from __future__ import annotations

from .wire import Message

_STREAMS = {"stdout": "printed", "stderr": "printed", "value": "value", "error": "error"}


class Budget:
    """Of one cell. What it prints cannot use up the room of its value and its error."""

    def __init__(self, limits: Message) -> None:
        self.omitted_bytes = 0
        self.omitted_images = 0
        most: int = limits["text_bytes"]
        self._bytes = dict.fromkeys(_STREAMS.values(), most)
        self._images = limits["images"]
        self._image_characters = limits["image_bytes"] * 4 // 3 + 4  # in base 64

    def text(self, stream: object, text: object) -> Message | None:
        """The message to pass on for a text, or None where nothing of it is."""
        if not isinstance(text, str) or not isinstance(stream, str) or stream not in _STREAMS:
            return None
        pool = _STREAMS[stream]
        data = text.encode("utf-8", "backslashreplace")
        # A character that the limit cuts in two counts as left out.
        kept = data[: self._bytes[pool]].decode("utf-8", "ignore")
        size = len(kept.encode("utf-8"))
        self.omitted_bytes += len(data) - size
        self._bytes[pool] = self._bytes[pool] - size if size == len(data) else 0
        return {"event": "text", "stream": stream, "text": kept} if kept else None

    def image(self, data: object) -> Message | None:
        """The message to pass on for a picture, or None where it is one too many or too large."""
        if not isinstance(data, str) or not self._images or len(data) > self._image_characters:
            self.omitted_images += 1
            return None
        self._images -= 1
        return {"event": "image", "data": data}
