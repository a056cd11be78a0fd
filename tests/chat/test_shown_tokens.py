"""The listed tokens of a reply are its text, byte for byte, whatever stops or strips it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmscope.chat.events import PieceLogprob
from glmscope.chat.reply_text import ReplyText
from glmscope.chat.shown_tokens import in_characters
from glmscope.engine.engine import TokenLogprob
from glmscope.text.tokenizer import Tokenizer
from tests.chat.support import CHATGLM2, CHATGLM3


def shown(
    ids: list[int],
    tokenizer: Tokenizer = CHATGLM3,
    stop: tuple[str, ...] = (),
    stop_sequences: tuple[tuple[int, ...], ...] = (),
    logprobs: bool = True,
    continues: bool = False,
) -> list[tuple[str, tuple[PieceLogprob, ...]]]:
    """Every piece of a reply with its tokens; the log-probability of the i-th id is -i."""
    reply = ReplyText(tokenizer, stop, stop_sequences, logprobs=logprobs, continues=continues)
    pieces = []
    for index, token_id in enumerate(ids):
        logprob = TokenLogprob(token_id, -float(index), ((token_id, -float(index)),))
        pieces.append((reply.add(token_id, logprob if logprobs else None), reply.take_logprobs()))
        if reply.finish is not None:
            return pieces
    return [*pieces, (reply.end("length"), reply.take_logprobs())]


def listed(*args, **settings) -> list[PieceLogprob]:
    return [each for _, logprobs in shown(*args, **settings) for each in logprobs]


def as_shown(own: bytes) -> str:
    """Bytes as a reply shows them: one U+FFFD for every byte that is no part of a character."""
    return "".join(
        "\ufffd" if 0xDC80 <= ord(character) <= 0xDCFF else character
        for character in own.decode("utf-8", "surrogateescape")
    )


def id_of(piece: str, tokenizer: Tokenizer = CHATGLM3) -> int:
    return next(i for i in range(tokenizer.piece_count) if tokenizer.piece(i) == piece)


def test_every_token_that_shows_something_is_listed_with_its_bytes():
    ids = CHATGLM3.encode("杭州是浙江省的省会。")
    tokens = listed([*ids, CHATGLM3.special.eos])
    first, *others = map(CHATGLM3.id_bytes, ids)
    assert [each.bytes for each in tokens] == [first.removeprefix(b" "), *others]
    assert [each.logprob for each in tokens] == [-float(index) for index in range(len(ids))]


def test_the_dropped_space_in_front_is_in_no_token():
    ids = CHATGLM3.encode("hello")
    assert not listed(ids)[0].token.startswith(" ")
    assert listed(ids, continues=True)[0].token.startswith(" ")


def test_bytes_of_a_character_come_with_it():
    ids = [token_id for token_id in CHATGLM3.encode("🌧") if CHATGLM3.id_bytes(token_id) != b" "]
    ((text, tokens),) = [piece for piece in shown(ids) if piece[0]]
    assert text == "🌧"
    assert [each.token for each in tokens] == ["<0xF0>", "<0x9F>", "<0x8C>", "<0xA7>"]
    assert b"".join(each.bytes for each in tokens) == "🌧".encode()


def test_a_stop_string_in_the_middle_of_a_token_cuts_it():
    piece = max(map(CHATGLM3.piece, range(300, CHATGLM3.piece_count)), key=len)
    word = piece.replace("\u2581", "")
    ids = [*CHATGLM3.encode("好"), id_of(piece)]
    tokens = listed(ids, stop=(word[2:],))
    assert tokens[-1].token.strip() == word[:2]
    assert tokens[-1].bytes == tokens[-1].token.encode()
    assert tokens[-1].logprob == -float(len(ids) - 1)


def test_tokens_of_a_stop_are_not_listed():
    ids = CHATGLM3.encode("一二三STOP四")
    assert "".join(each.token for each in listed(ids, stop=("STOP",))) == "一二三"
    sequence = tuple(ids[3:5])
    expected = CHATGLM3.decode(ids[:3])
    assert "".join(each.token for each in listed(ids, stop_sequences=(sequence,))) == expected


def test_the_date_that_was_filled_in_belongs_to_the_token_that_began_it():
    tokens = listed(CHATGLM3.encode("截至[[训练时间]]，[[训练时"))
    assert b"".join(each.bytes for each in tokens).decode() == "截至2023年，[[训练时"
    assert any("2023年" in each.token for each in tokens)


def test_stripped_white_space_is_not_listed():
    tokens = listed(CHATGLM2.encode("\n  杭州 \n 好。 \n\n"), CHATGLM2)
    assert b"".join(each.bytes for each in tokens).decode() == "杭州 \n 好。"


def test_alternatives_that_print_nothing_have_their_names():
    reply = ReplyText(CHATGLM3, logprobs=True)
    drawn = id_of("好")
    special = CHATGLM3.special
    assert special.user is not None
    top = ((drawn, -0.1), (special.user, -2.0), (special.eos, -3.0), (10**6, -4.0))
    reply.add(drawn, TokenLogprob(drawn, -0.1, top))
    (token,) = reply.take_logprobs()
    assert token.top == (
        ("好", "好".encode(), -0.1),
        ("<|user|>", b"", -2.0),
        ("</s>", b"", -3.0),
        ("", b"", -4.0),
    )


@pytest.mark.parametrize(
    ("own", "text"),
    [(b"", ""), (b"ab", "ab"), ("好".encode(), "好"), (b"\xe6", "<0xE6>"), (b"a\xff", "a<0xFF>")],
)
def test_bytes_in_characters(own: bytes, text: str):
    assert in_characters(own) == text


WORDS = ["[[训练时间]]", "[[训练", "时间]]", "🌧é", " \n ", "一二 ab", "\u3000"]


@given(
    stretches=st.lists(
        st.lists(st.integers(0, CHATGLM2.vocab_size + 10), max_size=3)
        | st.lists(st.integers(3, 258), max_size=3)
        | st.sampled_from(
            ["[[训练时间]]", "[[训练", "时间]]", "🌧é", " \n ", "一二 ab", "\u3000"]
        ).map(CHATGLM3.encode),
        max_size=12,
    ),
    tokenizer=st.sampled_from([CHATGLM2, CHATGLM3]),
    stop=st.lists(
        st.sampled_from(["一", "间", "]]", "2023", "年", "a", " ", "\ufffd", "\n ", "🌧b", "23年]"]),
        max_size=3,
    ),
    sequences=st.lists(st.lists(st.integers(3, 300), min_size=1, max_size=2), max_size=2),
    continues=st.booleans(),
)
def test_bytes_joined_are_the_text(stretches, tokenizer, stop, sequences, continues):
    settings = {
        "tokenizer": tokenizer,
        "stop": tuple(stop),
        "stop_sequences": tuple(map(tuple, sequences)),
        "continues": continues,
    }
    ids = [token_id for stretch in stretches for token_id in stretch]
    pieces = shown(ids, **settings)
    for text, tokens in pieces:
        assert as_shown(b"".join(each.bytes for each in tokens)) == text
        assert all(each.bytes for each in tokens)
    order = [each.logprob for _, tokens in pieces for each in tokens]
    assert order == sorted(order, reverse=True)
    unasked = shown(ids, **settings, logprobs=False)
    assert "".join(text for text, _ in pieces) == "".join(text for text, _ in unasked)
