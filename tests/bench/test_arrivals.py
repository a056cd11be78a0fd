from __future__ import annotations

import pytest

from glmscope.bench.arrivals import gaps
from glmscope.bench.percentiles import SHOWN, percentile, percentiles


def test_tokens_that_came_together_share_the_wait() -> None:
    assert gaps([(1.0, 1), (1.5, 2), (2.5, 6)]) == [0.5, 0.25, 0.25, 0.25, 0.25]


@pytest.mark.parametrize("arrivals", [[], [(1.0, 5)]])
def test_one_arrival_has_no_gap(arrivals: list[tuple[float, int]]) -> None:
    assert gaps(arrivals) == []


def test_percentiles() -> None:
    values = [float(each) for each in range(101)]
    assert percentile(values, 95) == 95
    assert percentiles(values) == {rank: rank for rank in SHOWN}
    assert percentiles([]) == {}
