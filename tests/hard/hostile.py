"""Requests that nobody should send, and what must be true of every answer."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from glmscope.server.openai.errors import is_openai
from tests.server.support import GENERATION, Answer

CHAT = "/v1/chat/completions"
COMPLETIONS = "/compatible-mode/v1/completions"
TOKENIZER = "/api/v1/tokenizer"

UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_MESSAGES = [
    {"role": "system", "content": "be kind"},
    {"role": "user", "content": "hello"},
    {"role": "assistant", "content": "hi"},
    {"role": "user", "content": [{"type": "text", "text": "and now"}]},
]
_SAMPLING = {"temperature": 0.5, "top_p": 0.8, "max_tokens": 5, "seed": 1, "stop": ["x"], "n": 1}
GOOD: dict[str, dict[str, Any]] = {
    GENERATION: {
        "model": "chatglm3-6b",
        "input": {"messages": _MESSAGES, "history": [["a", "b"]], "prompt": "hello"},
        "parameters": {**_SAMPLING, "result_format": "message", "top_k": 3, "logprobs": False},
    },
    TOKENIZER: {"model": "chatglm-6b-v2", "input": {"prompt": "hello"}, "parameters": {}},
    CHAT: {"model": "chatglm3-6b", "messages": _MESSAGES, **_SAMPLING},
    COMPLETIONS: {"model": "chatglm3-6b", "prompt": "hello", **_SAMPLING},
}
"""A right body for every path that reads one."""

_VAST = 10**399
NASTY: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    2**63,
    -(2**64),
    _VAST,
    1e308,
    -1e308,
    5e-324,
    "",
    "\x00",
    "\ud800",
    "\udfff\ud800",
    "\u2028",
    "0" * 10_000,
    "<|user|>",
    "../../etc/passwd",
    "%s%n{0}",
    [],
    [[]],
    [None],
    [1, "a", {}],
    {},
    {"": None},
    {"$ref": "#"},
]

JSON = st.recursive(
    st.sampled_from(NASTY).map(copy.deepcopy) | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)

_DEEP = 100_000
RAW: dict[str, bytes] = {
    "nothing": b"",
    "one byte": b"\x00",
    "deep list": b"[" * _DEEP,
    "deep list, closed": b"[" * _DEEP + b"]" * _DEEP,
    "deep object": b'{"a":' * _DEEP + b"1" + b"}" * _DEEP,
    "deep inside": b'{"model":' + b"[" * 900 + b"]" * 900 + b"}",
    "NaN": b'{"model": NaN}',
    "infinity": b'{"parameters": {"temperature": -Infinity}}',
    "too large a float": b'{"parameters": {"temperature": 1e999}, "temperature": 1e999}',
    "too many digits": b'{"seed": ' + b"9" * 100_000 + b"}",
    "UTF-16": '{"model": "chatglm3-6b"}'.encode("utf-16"),
    "BOM": b'\xef\xbb\xbf{"model": "nobody"}',
    "illegal UTF-8": b'{"model": "\xff\xfe"}',
    "overlong UTF-8": b'{"model": "\xc0\xaf"}',
    "UTF-8 surrogate": b'{"model": "\xed\xa0\x80"}',
    "cut character": b'{"model": "\xe6\x9d',
    "cut JSON": b'{"model": "chatglm3-6b", "input"',
    "two values": b'{"model": 1} {"model": 2}',
    "raw control characters": b'{"model": "a\x01\x02\n"}',
    "form": b"model=chatglm3-6b&prompt=hello",
    "multipart": b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\na\r\n--x--\r\n',
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
    "many keys": json.dumps({str(key): key for key in range(100_000)}).encode(),
}


def repeated(path: str) -> bytes:
    """The right body with every top-level key twice, the first time wrong."""
    body = json.dumps(GOOD[path])
    wrong = ",".join(f"{json.dumps(key)}:[]" for key in GOOD[path])
    return ("{" + wrong + "," + body[1:]).encode()


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if at:
        yield at
    if isinstance(value, (dict, list)):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from _places(value[key], (*at, key))


@st.composite
def spoiled(draw: st.DrawFn, path: str) -> dict[str, Any]:
    """The right body with one to three values, wherever they stand, replaced or left out."""
    body = json.loads(json.dumps(GOOD[path]))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.sampled_from(list(_places(body)) or [("model",)]))
        holder = body
        for key in at[:-1]:
            holder = holder[key]
        if draw(st.integers(0, 9)):
            holder[at[-1]] = draw(JSON)
        else:
            del holder[at[-1]]
    return dict(body)


def check(answer: Answer, path: str) -> None:
    """An answer, or a 4xx in the shape of the wire; never a failure of the server."""
    assert UUID.fullmatch(answer.headers["x-request-id"])
    assert 200 <= answer.status < 500, (answer.status, answer.body)
    if answer.status < 400:
        assert b"event:error" not in answer.body
        assert b'"error":' not in answer.body
        return
    error = answer.json
    assert answer.headers["content-type"] == "application/json"
    assert error["request_id"] == answer.headers["x-request-id"]
    if is_openai(path):
        error = error["error"]
        assert isinstance(error["type"], str)
        assert error["code"] is None or isinstance(error["code"], str)
    else:
        assert isinstance(error["code"], str)
        assert error["code"]
    assert isinstance(error["message"], str)
    assert error["message"]
    assert "Traceback" not in answer.body.decode()
