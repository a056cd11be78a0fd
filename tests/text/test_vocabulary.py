from __future__ import annotations

import pytest

from glmscope.errors import UsageError
from glmscope.family import Family
from glmscope.text.tokenizer import Tokenizer
from glmscope.text.vocabulary import (
    BUILTIN_SENTENCES,
    BUILTIN_SIZE,
    build_vocabulary,
    builtin_vocabulary,
)
from tests.support.tokenizers import builtin_tokenizer


def test_the_builtin_vocabulary_is_laid_out_as_the_published_one() -> None:
    tokenizer = builtin_tokenizer(Family.CHATGLM3)
    assert tokenizer.piece_count == BUILTIN_SIZE
    assert [tokenizer.piece(i) for i in range(3)] == ["<unk>", "<s>", "</s>"]
    assert [tokenizer.piece(3 + byte) for byte in range(256)] == [
        f"<0x{byte:02X}>" for byte in range(256)
    ]


def test_training_is_deterministic() -> None:
    assert build_vocabulary(BUILTIN_SENTENCES, BUILTIN_SIZE) == builtin_vocabulary()


def test_newlines_tabs_and_digits_are_never_merged() -> None:
    model = build_vocabulary(["one\none\tone\r\none", "1212 1212 1212"], 268)
    tokenizer = Tokenizer(model, Family.CHATGLM3)
    ordinary = [tokenizer.piece(i) for i in range(259, tokenizer.piece_count)]
    assert not [piece for piece in ordinary if set(piece) & set("\n\t\r")]
    assert not [piece for piece in ordinary if "1" in piece and len(piece) > 1]
    assert "▁one" in ordinary


def test_a_word_apart_is_the_same_ids_wherever_it_stands() -> None:
    model = build_vocabulary(BUILTIN_SENTENCES, BUILTIN_SIZE, words_apart=True)
    tokenizer = Tokenizer(model, Family.CHATGLM3)
    space, *word = tokenizer.encode("following")
    assert tokenizer.piece(space) == "▁"
    for text in ('"following"', "(following)", "the following", "you\nfollowing"):
        ids = tokenizer.encode(text)
        assert any(ids[at : at + len(word)] == word for at in range(len(ids)))
        assert tokenizer.decode(ids) == text


def test_spaces_are_kept() -> None:
    tokenizer = builtin_tokenizer(Family.CHATGLM3)
    text = "  a   b  "
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_long_sentences_are_not_left_out() -> None:
    tokenizer = Tokenizer(build_vocabulary(["天地玄黄" * 5000], 264), Family.CHATGLM3)
    assert len(tokenizer.encode("玄")) == 2


@pytest.mark.parametrize(
    ("sentences", "size", "reason"),
    [
        (["abc"], 100, "smaller than required_chars"),
        (["abc"], 5000, "too high"),
        ([], 300, "there is no text"),
        (["", "\n"], 300, "there is no text"),
    ],
)
def test_a_size_that_does_not_fit_is_refused(
    sentences: list[str], size: int, reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError, match=f"No vocabulary of {size} pieces .*{reason}"):
        build_vocabulary(sentences, size)
    assert capfd.readouterr() == ("", "")
