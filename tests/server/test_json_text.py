from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmscope.chat.events import Finished, TextPiece, Usage
from glmscope.errors import IllegalInput
from glmscope.server import json_text
from glmscope.server.dashscope.events import EventFold
from glmscope.server.dashscope.result import ResultShape

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@given(ANY_TEXT)
def test_any_text_survives_and_is_utf8(text: str) -> None:
    written = json_text.dump({"a": text})
    assert json.loads(written.decode("utf-8")) == json.loads(json.dumps({"a": text}))
    assert b"\n" not in written


def test_compact_unescaped_and_in_order() -> None:
    assert (
        json_text.dump({"b": ["杭\u2028", None], "a": 1})
        == '{"b":["杭\u2028",null],"a":1}'.encode()
    )
    assert json_text.dump("\ud800") == b'"\\ud800"'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":1}}',
        b"{'a':1}",
        b'{"a":"\xff"}',
        '{"a":1}'.encode("utf-16"),
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' + b"9" * 401 + b"}",
        b'{"a":"\n"}',
    ],
)
def test_what_is_no_json_object(body: bytes) -> None:
    with pytest.raises(IllegalInput):
        json_text.load_object(body)


def test_what_is() -> None:
    assert json_text.load_object(b'{"a":1,"a":2}') == {"a": 2}
    assert json_text.load_object(b'\xef\xbb\xbf{"a":1e999}') == {"a": float("inf")}
    assert json_text.load_object(b'{"a":' + b"9" * 400 + b"}") == {"a": 10**400 - 1}


@given(st.lists(ANY_TEXT.filter(bool)), st.booleans(), st.sampled_from(["text", "message"]))
def test_a_chunk_is_what_encoding_it_whole_would_give(pieces, incremental, form) -> None:
    fold = EventFold(ResultShape(form), incremental, "id")
    usage = Usage(1, 2)
    said = ""
    for piece in [*pieces, None]:
        end = piece is None
        frame = fold.add(Finished("stop", usage) if end else TextPiece(piece, usage))
        said = (piece or "") if incremental else said + (piece or "")
        output = json.loads(frame.decode("utf-8").split("\ndata:")[1])["output"]
        choice = output if form == "text" else output["choices"][0]
        text = choice["text"] if form == "text" else choice["message"]["content"]
        assert text == json.loads(json.dumps(said))
        assert choice["finish_reason"] == ("stop" if end else "null")
