"""Load on a server of the test's own making: a function that yields or raises."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from glmscope.bench.load import LoadReport, Reply, poisson_arrivals, put_load
from glmscope.errors import ServiceError, Throttling


def test_moments_are_drawn_by_the_seed_at_the_rate_that_was_asked() -> None:
    due = poisson_arrivals(rate=4.0, requests=4000, seed=3)
    assert due == poisson_arrivals(4.0, 4000, 3)
    assert due != poisson_arrivals(4.0, 4000, 4)
    assert due == sorted(due)
    assert due[0] == 0
    assert due[-1] == pytest.approx(1000, rel=0.1)


def test_answers_are_timed_and_errors_counted() -> None:
    def ask(number: int) -> Iterator[int]:
        if number % 3 == 0:
            raise Throttling("Too many.")
        yield 0  # an event before there is any token
        yield 1
        yield 4
        if number % 3 == 1:
            raise ServiceError("It broke off.")
        yield 4  # the last event, which tells the end alone

    report = put_load(ask, rate=1000.0, requests=12, seed=0)
    assert report.errors == {"Too many.": 4, "It broke off.": 4}
    assert len(report.answered) == 4
    assert all(reply.tokens == 4 for reply in report.answered)
    ranks = report.seconds_by_rank
    assert ranks["first token"][50] <= ranks["whole reply"][50]
    written = report.as_json()
    assert written["requests"] == 12
    assert written["answered"] == 4
    assert set(written["seconds_by_percentile"]["between_tokens"]) == {"50", "90", "95", "99"}
    assert written["tokens_per_second"] == pytest.approx(16 / report.seconds)


def test_requests_do_not_wait_for_answers() -> None:
    held = threading.Barrier(5, timeout=10)

    def ask(number: int) -> Iterator[int]:
        held.wait()  # opens when all of them are there
        yield 1

    report = put_load(ask, rate=1000.0, requests=5, seed=0)
    assert len(report.answered) == 5
    assert report.most_at_once == 5


def test_times_count_from_when_a_request_was_due() -> None:
    def ask(number: int) -> Iterator[int]:
        time.sleep(0.05)
        yield 1

    report = put_load(ask, rate=1e6, requests=3, seed=0)
    assert all(reply.arrivals[0][0] >= 0.05 for reply in report.replies)


def test_how_many_were_on_their_way() -> None:
    replies = [Reply(began=0.0, whole=1.0), Reply(began=0.5, whole=1.0), Reply(began=1.2, whole=9)]
    assert LoadReport(1.0, 11.0, replies).most_at_once == 2


def test_nothing_answered_has_no_percentiles() -> None:
    report = LoadReport(1.0, 1.0, [Reply(error=ServiceError("no"))])
    assert report.seconds_by_rank["whole reply"] == {}
    assert report.tokens_per_second == 0
