"""The words of a model's ids as the library gets them."""

from __future__ import annotations

import pytest

from glmscope.engine.vocabulary import TurnIds, Vocabulary, grammar_tokenizer


@pytest.mark.parametrize("pieces", [[b""], [b"a"], [b"", b"a", b"b"], [b"", b"'", b"\\", b"\x00"]])
def test_a_vocabulary_may_be_as_small_as_it_likes(pieces: list[bytes]) -> None:
    """The library's own text of trial has letters that none of these has."""
    known = grammar_tokenizer(Vocabulary(pieces, 0), len(pieces) + 2).get_vocab()
    assert sorted(known.values()) == list(range(len(pieces) + 2))
    assert all(known[piece] == i for i, piece in enumerate(pieces) if piece)


def test_ids_without_a_text_have_bytes_that_no_text_has() -> None:
    vocabulary = Vocabulary([b"", b"a", b"\x02x", b"", b"", b""], 0, TurnIds(3, 4, 5))
    known = grammar_tokenizer(vocabulary, 7).get_vocab()
    assert {each: i for each, i in known.items() if not each.startswith(b"\xff")} == {
        b"a": 1,
        b"\x01": 3,
        b"\x02": 4,
        b"\x03": 5,
    }
    assert len(known) == 7
    for each in known:
        if each.startswith(b"\xff"):
            with pytest.raises(UnicodeDecodeError):
                each.decode()


def test_the_end_is_the_vocabulary_s_own() -> None:
    assert grammar_tokenizer(Vocabulary([b"a", b"", b"b"], 1), 3).get_eos_token_id() == 1
