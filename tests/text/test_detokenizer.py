from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmscope.family import Family
from glmscope.text.detokenizer import Detokenizer
from glmscope.text.tokenizer import Tokenizer
from tests.support.tokenizers import builtin_tokenizer

FAMILIES = pytest.mark.parametrize("family", Family)


def pieces_of(tokenizer: Tokenizer, ids: list[int]) -> list[str]:
    detokenizer = Detokenizer(tokenizer)
    return [detokenizer.add(token_id) for token_id in ids] + [detokenizer.flush()]


def byte_ids(data: bytes) -> list[int]:
    """Ids of the byte pieces (the built-in vocabulary has them where the published one does)."""
    return [3 + byte for byte in data]


def replace_each_byte(data: bytes) -> str:
    """The definition: the longest valid characters, one U+FFFD for every other byte."""
    text = ""
    while data:
        for length in range(1, 5):
            try:
                char = data[:length].decode()
            except UnicodeDecodeError:
                continue
            text, data = text + char, data[length:]
            break
        else:
            text, data = text + "\ufffd", data[1:]
    return text


@FAMILIES
@given(ids=st.lists(st.integers(0, 1100)))
def test_pieces_joined_are_the_decoded_text(family: Family, ids: list[int]) -> None:
    tokenizer = builtin_tokenizer(family)
    assert "".join(pieces_of(tokenizer, ids)) == tokenizer.decode(ids)


@FAMILIES
@given(text=st.text())
def test_a_piece_never_ends_inside_a_character(family: Family, text: str) -> None:
    tokenizer = builtin_tokenizer(family)
    expected = text.replace("\u2581", " ")
    emitted = ""
    for piece in pieces_of(tokenizer, tokenizer.encode(text)):
        emitted += piece
        assert expected.startswith(emitted)
    assert emitted == expected


@given(data=st.binary())
def test_every_byte_of_a_broken_character_prints_one_replacement(data: bytes) -> None:
    tokenizer = builtin_tokenizer(Family.CHATGLM3)
    assert "".join(pieces_of(tokenizer, byte_ids(data))) == replace_each_byte(data)


@given(data=st.lists(st.sampled_from([0xC3, 0xE0, 0xED, 0xF0, 0xF4, 0x80, 0x9F, 0xA0, 0x90, 0x41])))
def test_near_misses_of_utf8(data: list[int]) -> None:
    tokenizer = builtin_tokenizer(Family.CHATGLM3)
    assert "".join(pieces_of(tokenizer, byte_ids(bytes(data)))) == replace_each_byte(bytes(data))


def test_bytes_wait_for_the_whole_character() -> None:
    tokenizer = builtin_tokenizer(Family.CHATGLM3)
    assert pieces_of(tokenizer, byte_ids("👋".encode())) == ["", "", "", "👋", ""]


def test_an_unfinished_character_comes_out_at_the_end() -> None:
    tokenizer = builtin_tokenizer(Family.CHATGLM3)
    assert pieces_of(tokenizer, byte_ids("👋".encode()[:3])) == ["", "", "", "\ufffd\ufffd\ufffd"]


@pytest.mark.parametrize("silent", [0, 1, 2, 5000, 10**12])
def test_an_id_that_prints_nothing_still_breaks_a_character(silent: int) -> None:
    tokenizer = builtin_tokenizer(Family.CHATGLM3)
    first, *rest = byte_ids("é".encode())
    assert pieces_of(tokenizer, [first, silent, *rest]) == ["", "\ufffd", "\ufffd", ""]


@pytest.mark.parametrize("silent", [0, 1, 2, 5000])
def test_silent_ids_leave_the_first_space_to_be_dropped(silent: int) -> None:
    tokenizer = builtin_tokenizer(Family.CHATGLM3)
    assert pieces_of(tokenizer, [silent, *tokenizer.encode("a")])[1] == "a"


def test_after_a_byte_the_first_space_stays() -> None:
    tokenizer = builtin_tokenizer(Family.CHATGLM3)
    assert pieces_of(tokenizer, [*byte_ids(b"\n"), *tokenizer.encode("a")]) == ["\n", " a", ""]


def test_only_one_leading_space_is_dropped() -> None:
    tokenizer = builtin_tokenizer(Family.CHATGLM3)
    (space,) = tokenizer.encode(" ")[:1]
    texts = pieces_of(tokenizer, [space, space, *tokenizer.encode("a")])
    assert "".join(texts).lstrip(" ") == "a"
    assert texts[1].startswith(" ") and texts[2] == " a"


@FAMILIES
def test_what_continues_a_text_keeps_its_leading_space(family: Family) -> None:
    tokenizer = builtin_tokenizer(family)

    def decoded(ids: list[int], continues: bool) -> str:
        detokenizer = Detokenizer(tokenizer, continues=continues)
        return "".join(detokenizer.add(each) for each in ids) + detokenizer.flush()

    ids = tokenizer.encode("hello there")
    assert decoded(ids, continues=False) == "hello there"
    assert decoded(ids, continues=True) == " hello there"
