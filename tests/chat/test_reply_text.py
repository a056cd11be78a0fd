"""Generated ids become text; stops cut it; how ids are grouped does not matter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmscope.chat.reply_text import ReplyText
from glmscope.chat.stops import StopSequences
from glmscope.chat.strip import Strip
from glmscope.text.tokenizer import Tokenizer
from tests.chat.support import CHATGLM2, CHATGLM3

RAW = "\n 杭州是浙江省的省会。"


def pieces(
    ids: list[int],
    tokenizer: Tokenizer = CHATGLM3,
    stop: tuple[str, ...] = (),
    stop_sequences: tuple[tuple[int, ...], ...] = (),
) -> tuple[list[str], ReplyText]:
    reply = ReplyText(tokenizer, stop, stop_sequences)
    shown = []
    for token_id in ids:
        shown.append(reply.add(token_id))
        if reply.finish is not None:
            return shown, reply
    shown.append(reply.end("length"))
    return shown, reply


def text_of(text: str, tokenizer: Tokenizer = CHATGLM3, **settings) -> str:
    return "".join(pieces(tokenizer.encode(text), tokenizer, **settings)[0])


def test_chatglm3_text_is_passed_on_raw():
    assert text_of(f"{RAW} \n") == f"{RAW} \n"


def test_chatglm2_text_is_stripped_at_both_ends():
    assert text_of("\n  杭州 \n 好。 \n\n", CHATGLM2) == "杭州 \n 好。"


@pytest.mark.parametrize("tokenizer", [CHATGLM3, CHATGLM2])
def test_the_training_date_is_filled_in(tokenizer: Tokenizer):
    assert text_of("截至[[训练时间]]，[[训练时", tokenizer) == "截至2023年，[[训练时"


def test_a_character_split_over_ids_comes_whole():
    ids = CHATGLM3.encode("🌧")
    assert len(ids) > 3
    shown, _ = pieces(ids)
    assert [piece for piece in shown if piece] == ["🌧"]


def test_an_unfinished_character_is_not_lost_at_the_end():
    shown, reply = pieces(CHATGLM3.encode("雨🌧")[:-1])
    assert "".join(shown).startswith("雨\ufffd")
    assert reply.finish == "length"


@pytest.mark.parametrize("stop", ["浙江", "江省的", "省", "。"])
def test_a_stop_string_and_what_follows_are_never_shown(stop: str):
    shown, reply = pieces(CHATGLM3.encode(f"{RAW}还有。"), stop=(stop,))
    assert "".join(shown) == RAW.partition(stop)[0]
    assert reply.finish == "stop"


def test_ids_are_counted_up_to_the_one_that_completes_the_stop():
    ids = CHATGLM3.encode("一二STOP三四五六")
    _, reply = pieces(ids, stop=("STOP",))
    counted = reply.output_tokens
    assert "STOP" in CHATGLM3.decode(ids[:counted])
    assert "STOP" not in CHATGLM3.decode(ids[: counted - 1])


def test_half_a_stop_string_is_shown_at_the_end():
    assert text_of("一二STO", stop=("STOP",)) == "一二STO"


def test_a_stop_string_that_only_the_end_completes_still_stops():
    reply = ReplyText(CHATGLM3, stop=("\ufffd",))
    shown = "".join(reply.add(token_id) for token_id in CHATGLM3.encode("雨🌧")[:-1])
    assert shown + reply.end("length") == "雨"
    assert reply.finish == "stop"


def test_empty_stops_match_nothing():
    assert text_of(RAW, stop=("",), stop_sequences=((),)) == RAW


def test_a_stop_sequence_and_its_text_are_never_shown():
    ids = CHATGLM3.encode("一二三四五六七")
    shown, reply = pieces(ids, stop_sequences=(tuple(ids[3:5]),))
    assert "".join(shown) == CHATGLM3.decode(ids[:3])
    assert (reply.finish, reply.output_tokens) == ("stop", 5)


def test_half_a_stop_sequence_is_shown_at_the_end():
    ids = CHATGLM3.encode("一二三四")
    shown, reply = pieces(ids, stop_sequences=((*ids[2:], 9),))
    assert "".join(shown) == "一二三四"
    assert reply.finish == "length"


def test_a_loop_ends_the_reply_as_cut_short():
    shown, reply = pieces(CHATGLM3.encode("好的。" * 800))
    assert reply.finish == "length"
    assert reply.loop is not None
    assert reply.output_tokens < 10
    assert "".join(shown).startswith("好的。好的。")


SMALL_IDS = st.integers(0, 3)


@given(
    ids=st.lists(SMALL_IDS, max_size=30),
    sequences=st.lists(st.lists(SMALL_IDS, min_size=1, max_size=4).map(tuple), max_size=3),
)
def test_stop_sequences_agree_with_a_search_in_the_whole(ids, sequences):
    stops = StopSequences(sequences)
    shown: list[int] = []
    for token_id in ids:
        shown += stops.add(token_id)
        if stops.found:
            break
    shown += stops.flush()

    def ends_with(count: int) -> list[int]:
        seen = tuple(ids[:count])
        return [len(s) for s in sequences if seen[max(0, count - len(s)) :] == s]

    end = next((n for n in range(1, len(ids) + 1) if ends_with(n)), None)
    if end is None:
        assert shown == ids
    else:
        assert stops.found
        assert shown == ids[: end - max(ends_with(end))]


@given(st.lists(st.text(alphabet=" \n\u3000ab", max_size=4), max_size=8))
def test_strip_in_pieces_equals_strip_of_the_whole(parts: list[str]):
    strip = Strip()
    assert "".join(strip.add(part) for part in parts) == "".join(parts).strip()


@given(
    ids=st.lists(st.integers(0, CHATGLM2.vocab_size + 10), max_size=60),
    tokenizer=st.sampled_from([CHATGLM2, CHATGLM3]),
)
def test_any_ids_give_the_text_that_decoding_gives(ids: list[int], tokenizer: Tokenizer):
    whole = tokenizer.decode(ids)
    shown = "".join(pieces(ids, tokenizer)[0])
    assert shown == (whole.strip() if tokenizer is CHATGLM2 else whole)
