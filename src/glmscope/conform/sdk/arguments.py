"""Arguments of a tool call."""

from __future__ import annotations

import json
from typing import Any

from glmscope.conform.check import expect


def arguments_of(call: Any) -> Any:
    """Parsed. Raises MismatchError when they are not a JSON text, as both SDKs need them to be."""
    text = call["function"]["arguments"]
    expect(isinstance(text, str), f"arguments are {type(text).__name__}, not a string")
    return json.loads(text)
