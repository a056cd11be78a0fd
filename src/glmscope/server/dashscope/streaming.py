"""Whether a client asks for a stream."""

from __future__ import annotations

from collections.abc import Mapping


def wants_stream(headers: Mapping[str, str]) -> bool:
    """Headers alone decide, never the body. DashScope protocol, point 3 of section 0."""
    return (
        headers.get("x-dashscope-sse", "").strip().lower() == "enable"
        or "text/event-stream" in headers.get("accept", "").lower()
    )
