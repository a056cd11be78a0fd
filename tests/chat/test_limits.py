"""What is kept of a conversation that is too long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmscope.chat.limits import Counted, Limits, Trimmed, trim
from glmscope.chat.request import Message, Role
from glmscope.errors import InvalidParameter

ROOMY = 1_000_000
LETTERS: dict[str, Role] = {"s": "system", "u": "user", "a": "assistant", "t": "tool"}


def of(shape: str, tokens: int = 10) -> list[Counted]:
    """`suaua` is a system message and two turns, the second still to be answered."""
    return [Counted(Message(LETTERS[c], f"{c}{n}"), tokens) for n, c in enumerate(shape)]


def shorten(
    conversation: list[Counted], limit: int, max_positions: int = ROOMY, template: int = 3
) -> Trimmed:
    """Trim with a template of so many ids a message."""
    tokens = {counted.message: counted.tokens for counted in conversation}
    return trim(
        conversation,
        Limits(context=limit + 100, input=limit, output=100),
        max_positions,
        lambda messages: [0] * sum(tokens[message] + template for message in messages),
    )


def shape(trimmed: Trimmed) -> str:
    return " ".join(message.content for message in trimmed.messages)


def test_what_fits_is_left_alone():
    trimmed = shorten(of("suau"), 40)
    assert shape(trimmed) == "s0 u1 a2 u3"
    assert (trimmed.dropped_turns, trimmed.dropped_tokens, trimmed.input_tokens) == (0, 0, 40)


@pytest.mark.parametrize(
    ("given_shape", "limit", "left", "turns"),
    [
        ("suauau", 59, "s0 u3 a4 u5", 1),
        ("suauau", 40, "s0 u3 a4 u5", 1),
        ("suauau", 39, "s0 u5", 2),
        ("suauau", 20, "s0 u5", 2),
        ("uauau", 30, "u2 a3 u4", 1),
        ("uatauatat", 50, "u4 a5 t6 a7 t8", 1),
        ("auau", 39, "u1 a2 u3", 1),
        ("uuu", 20, "u1 u2", 1),
    ],
)
def test_whole_turns_go_oldest_first_and_the_system_message_stays(
    given_shape: str, limit: int, left: str, turns: int
):
    trimmed = shorten(of(given_shape), limit)
    assert shape(trimmed) == left
    assert trimmed.dropped_turns == turns
    assert trimmed.input_tokens == 10 * len(trimmed.messages)
    assert trimmed.dropped_tokens == 10 * (len(given_shape) - len(trimmed.messages))


@pytest.mark.parametrize("given_shape", ["su", "suauau", "uatat"])
def test_a_last_turn_that_is_too_long_is_refused(given_shape: str):
    needed = 10 * len(given_shape[given_shape.rindex("u") :]) + 10 * given_shape.startswith("s")
    assert shorten(of(given_shape), needed).input_tokens == needed
    with pytest.raises(InvalidParameter) as refusal:
        shorten(of(given_shape), needed - 1)
    assert refusal.value.message == f"Range of input length should be [1, {needed - 1}]"


def test_a_last_turn_that_is_empty_is_refused_even_where_others_were_dropped():
    conversation = [*of("ua"), Counted(Message("user", ""), 0)]
    for settings in ({"limit": 15}, {"limit": 100, "max_positions": 20}):
        with pytest.raises(InvalidParameter):
            shorten(conversation, **settings)


def test_no_input_at_all_is_refused():
    with pytest.raises(InvalidParameter, match=r"\[1, 40\]"):
        shorten(of("su", tokens=0), 40)


def test_input_that_equals_the_context_leaves_a_token_for_the_reply():
    limits = Limits(context=6500, input=6500, output=1500)
    assert limits.longest_input == 6499
    one = [Counted(Message("user", "x"), 6499)]
    assert trim(one, limits, ROOMY, lambda messages: [0]).input_tokens == 6499
    with pytest.raises(InvalidParameter, match=r"\[1, 6499\]"):
        trim([Counted(Message("user", "x"), 6500)], limits, ROOMY, lambda messages: [0])


def test_the_positions_of_the_network_count_the_template_and_one_reply_token():
    # Six messages of 10 + 3 ids; two turns go when fewer than 79 positions are there.
    assert shorten(of("suauau"), 1000, max_positions=79).dropped_turns == 0
    trimmed = shorten(of("suauau"), 1000, max_positions=78)
    assert shape(trimmed) == "s0 u3 a4 u5"
    assert (trimmed.input_tokens, trimmed.dropped_tokens) == (40, 20)
    assert len(trimmed.prompt_ids) == 52


def test_a_last_turn_that_the_network_cannot_hold_is_refused_with_the_true_number():
    with pytest.raises(InvalidParameter, match=r"\[1, 19\]"):
        shorten(of("suau"), 1000, max_positions=26)
    assert shorten(of("suau"), 1000, max_positions=27).input_tokens == 20


def test_prompts_are_built_few_times_for_long_histories():
    built = []
    conversation = of("ua" * 500 + "u")

    def prompt(messages):
        built.append(len(messages))
        return [0] * (13 * len(messages))

    trimmed = trim(conversation, Limits(10_000, 9_000, 1_000), 2048, prompt)
    assert len(trimmed.prompt_ids) == 13 * 157
    assert len(built) <= 12


@given(
    tokens=st.lists(st.integers(0, 30), min_size=1, max_size=12),
    system=st.booleans(),
    limit=st.integers(1, 120),
    positions=st.integers(1, 200),
)
def test_the_least_is_dropped_that_makes_it_fit(
    tokens: list[int], system: bool, limit: int, positions: int
):
    conversation = [
        Counted(Message("user" if n % 2 == 0 else "assistant", f"{n}"), count)
        for n, count in enumerate(tokens)
    ]
    head = [Counted(Message("system", "s"), 5)] if system else []

    def fits(kept: list[Counted]) -> bool:
        total = sum(counted.tokens for counted in kept)
        return total <= limit and total + 3 * len(kept) < positions

    starts = range(0, len(conversation), 2)
    expected = next(
        (head + conversation[n:] for n in starts if fits(head + conversation[n:])), None
    )
    if expected is None or not sum(counted.tokens for counted in expected):
        with pytest.raises(InvalidParameter):
            shorten(head + conversation, limit, positions)
    else:
        trimmed = shorten(head + conversation, limit, positions)
        assert trimmed.messages == tuple(counted.message for counted in expected)
