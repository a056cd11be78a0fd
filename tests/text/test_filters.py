from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glmscope.text.filters import DateFilter, StopStrings, replace_date

few_letters = st.text(st.sampled_from("ab"), max_size=12)
stop_lists = st.lists(st.text(st.sampled_from("ab"), min_size=1, max_size=5), max_size=4)


def cut_at_first_stop(text: str, stops: list[str]) -> tuple[str, bool]:
    """The definition: read on until the text ends with a stop string; drop the longest such."""
    for end in range(len(text) + 1):
        complete = [stop for stop in stops if text[:end].endswith(stop)]
        if complete:
            return text[: end - max(map(len, complete))], True
    return text, False


@given(pieces=st.lists(few_letters), stops=stop_lists)
@example(pieces=["ab", "ab", "b"], stops=["abb"])
@example(pieces=["abaab"], stops=["aab", "ab", "abaa"])
def test_stops_are_found_however_the_text_is_split(pieces: list[str], stops: list[str]) -> None:
    stop_strings = StopStrings(stops)
    emitted, stopped = "", False
    for piece in pieces:
        text, now = stop_strings.add(piece)
        assert now >= stopped
        assert not (stopped and text)
        emitted, stopped = emitted + text, now
    emitted += stop_strings.flush()
    assert (emitted, stopped) == cut_at_first_stop("".join(pieces), stops)


@given(pieces=st.lists(few_letters, min_size=1), stops=stop_lists)
def test_no_more_is_held_back_than_may_become_a_stop(pieces: list[str], stops: list[str]) -> None:
    stop_strings = StopStrings(stops)
    emitted = ""
    for piece in pieces:
        text, stopped = stop_strings.add(piece)
        emitted += text
    whole = "".join(pieces)
    if not stopped:
        held = whole[len(emitted) :]
        beginnings = [stop[:n] for stop in stops for n in range(len(stop))]
        assert held == max((b for b in beginnings if whole.endswith(b)), key=len, default="")


def test_a_stop_split_over_pieces_is_held_back() -> None:
    stop_strings = StopStrings(["\n\nHuman:"])
    assert stop_strings.add("好\n") == ("好", False)
    assert stop_strings.add("\nHu") == ("", False)
    assert stop_strings.add("mble") == ("\n\nHumble", False)
    assert stop_strings.add("\n\nHuman: x") == ("", True)
    assert stop_strings.add("more") == ("", True)
    assert stop_strings.flush() == ""


def test_without_stops_everything_passes() -> None:
    stop_strings = StopStrings([])
    assert stop_strings.add("abc") == ("abc", False)
    assert stop_strings.flush() == ""


def test_an_empty_stop_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        StopStrings(["a", ""])


dated = st.lists(
    st.one_of(
        st.sampled_from(["[[训练时间]]", "[[训练", "[", "]", "时间", "]]"]), st.text(max_size=2)
    )
)


@given(pieces=dated)
@example(pieces=["[", "[[训练时间", "]]", "[[训练时间]]["])
def test_the_date_is_replaced_however_the_text_is_split(pieces: list[str]) -> None:
    for split in (pieces, list("".join(pieces))):
        date_filter = DateFilter()
        filtered = "".join(map(date_filter.add, split)) + date_filter.flush()
        assert filtered == replace_date("".join(pieces))


def test_only_a_beginning_of_the_placeholder_is_held_back() -> None:
    date_filter = DateFilter()
    assert date_filter.add("今天[[[训") == "今天["
    assert date_filter.add("x") == "[[训x"
    assert date_filter.add("[[训练时间]]!") == "2023年!"
    assert date_filter.add("[[训练时间]") == ""
    assert date_filter.flush() == "[[训练时间]"
