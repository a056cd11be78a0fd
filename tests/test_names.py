from __future__ import annotations

import pytest

from glmscope.errors import UsageError
from glmscope.names import check_known


def test_known_names_pass() -> None:
    check_known(["b", "a", "b"], {"a": 1, "b": 2}, "x: unknown name")
    check_known([], [], "x: unknown name")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("prot", 'x: unknown name "prot"; did you mean "port"?'),
        ("zzz", 'x: unknown name "zzz"; known are host, port.'),
    ],
)
def test_the_nearest_one_is_told_or_all(name: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_known(["host", name, "other"], ("port", "host"), "x: unknown name")
    assert caught.value.message == sentence
