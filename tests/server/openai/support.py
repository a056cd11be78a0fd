"""What tests of this wire share."""

from __future__ import annotations

import json
from typing import Any

from tests.server.support import Answer

PLANE = "/compatible-mode/v1"
CHAT = f"{PLANE}/chat/completions"
COMPLETIONS = f"{PLANE}/completions"
MODEL = "chatglm3-6b"


def chat(content: object = "hello", **more: object) -> dict[str, object]:
    """The body of a greedy request; the scripted engine then says its first wording."""
    messages = [{"role": "user", "content": content}]
    return {"model": MODEL, "messages": messages, "temperature": 0, **more}


def chunks(answer: Answer) -> list[Any]:
    """The data of every event of a stream that ended well."""
    *events, done, rest = answer.body.decode().split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    assert all(event.startswith("data: ") for event in events)
    return [json.loads(event[6:]) for event in events]


def completion(prompt: object = "hello", **more: object) -> dict[str, object]:
    """The body of a greedy completion that may be as long as it likes."""
    return {"model": MODEL, "prompt": prompt, "temperature": 0, "max_tokens": 200, **more}
