from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmscope.store import keytext


def test_a_key_has_its_documented_form() -> None:
    keys = {keytext.make_key() for _ in range(200)}
    assert len(keys) == 200
    for key in keys:
        assert re.fullmatch(r"glms-[0-9A-Za-z]{38}", key)
        assert not keytext.is_mistyped(key)
        assert keytext.is_token(key)
        assert not keytext.looks_like_cloud_key(key)


@given(st.data())
def test_any_one_wrong_character_shows(data: st.DataObject) -> None:
    key = keytext.make_key()
    place = data.draw(st.integers(len(keytext.PREFIX), len(key) - 1))
    other = data.draw(st.characters().filter(lambda character: character != key[place]))
    assert keytext.is_mistyped(key[:place] + other + key[place + 1 :])


@pytest.mark.parametrize(
    "damage", [lambda key: key[:-1], lambda key: key + "A", lambda key: "glms-"]
)
def test_a_wrong_length_shows(damage) -> None:
    assert keytext.is_mistyped(damage(keytext.make_key()))


def test_swapped_neighbors_show() -> None:
    key = next(key for key in iter(keytext.make_key, "") if key[10] != key[11])
    assert keytext.is_mistyped(key[:10] + key[11] + key[10] + key[12:])


def test_a_token_of_another_kind_is_not_called_mistyped() -> None:
    assert not keytext.is_mistyped("token-of-the-house")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sk-" + "0123456789abcdef" * 2, True),
        ("  sk-" + "0123456789ABCDEF" * 2 + "\n", True),
        ("sk-" + "0123456789abcdef", False),
        ("sk-" + "0123456789abcdeg" * 2, False),
        ("sk-our-own-house-token", False),
        ("glms-" + "0123456789abcdef" * 2, False),
        ("", False),
    ],
)
def test_cloud_keys_are_told_by_their_shape(text: str, expected: bool) -> None:
    assert keytext.looks_like_cloud_key(text) is expected


@pytest.mark.parametrize("text", ["", "a b", "a\n", "a\x00", "é", "密钥", "\ud800", "a" * 513])
def test_what_cannot_be_sent_is_no_token(text: str) -> None:
    assert not keytext.is_token(text)
