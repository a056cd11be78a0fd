"""Nobody looks for garbage while a command starts, and somebody does afterwards."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from glmscope.cli.startup import without_collecting


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    """Leaves the collector as it was, with nothing frozen."""
    gc.enable()
    yield
    gc.unfreeze()
    gc.enable()


def test_the_collector_rests_within_and_works_again_after() -> None:
    with without_collecting():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_what_is_there_is_not_looked_through_again() -> None:
    gc.unfreeze()
    with without_collecting():
        kept = [[number] for number in range(1000)]
    assert gc.get_freeze_count() >= len(kept)


def test_an_error_leaves_the_collector_at_work() -> None:
    with pytest.raises(KeyError), without_collecting():
        raise KeyError
    assert gc.isenabled()
