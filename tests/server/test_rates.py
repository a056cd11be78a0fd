"""Requests and tokens a minute, in memory and in Redis alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from structlog.testing import capture_logs

from glmscope.errors import UsageError
from glmscope.server.rates import RateWindows, check_storage
from tests.support.redis import Redis, redis_server


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    with redis_server() as server:
        yield server


@pytest.fixture(params=["memory", "redis"])
def url(request: pytest.FixtureRequest) -> str | None:
    if request.param == "memory":
        return None
    server: Redis = request.getfixturevalue("redis")
    return server.url


@pytest.fixture
async def rates(url: str | None) -> AsyncIterator[RateWindows]:
    windows = RateWindows(url)
    yield windows
    await windows.close()


async def test_requests_up_to_the_limit_and_no_further(rates: RateWindows) -> None:
    windows = [await rates.count_request("requests", 3) for _ in range(5)]
    assert [window and window.allowed for window in windows] == [True, True, True, False, False]
    assert [window and window.remaining for window in windows] == [2, 1, 0, 0, 0]
    for window in windows:
        assert window is not None
        assert 55 < window.reset_seconds <= 60


async def test_keys_do_not_share(rates: RateWindows) -> None:
    assert (window := await rates.count_request("one", 1))
    assert window.allowed
    assert (window := await rates.count_request("other", 1))
    assert window.allowed


async def test_what_is_refused_does_not_fill_the_window(rates: RateWindows) -> None:
    for tokens, allowed, remaining in ((60, True, 40), (50, False, 40), (40, True, 0)):
        window = await rates.count_tokens("tokens", 100, tokens)
        assert window is not None
        assert (window.allowed, window.remaining) == (allowed, remaining)


async def test_what_was_made_is_added_beyond_the_limit(rates: RateWindows) -> None:
    await rates.add_tokens("made", 100, 250)
    await rates.add_tokens("made", 100, 0)
    window = await rates.count_tokens("made", 100, 1)
    assert window is not None
    assert (window.allowed, window.remaining) == (False, 0)
    assert 0 < window.reset_seconds <= 60


async def test_many_at_once_do_not_pass_the_limit_together(rates: RateWindows) -> None:
    windows = await asyncio.gather(*(rates.count_request("crowd", 7) for _ in range(30)))
    assert sum(bool(window and window.allowed) for window in windows) == 7


async def test_two_servers_share_a_redis(redis: Redis) -> None:
    first, second = RateWindows(redis.url), RateWindows(redis.url)
    try:
        for server, allowed in ((first, True), (second, True), (first, False), (second, False)):
            window = await server.count_request("shared", 2)
            assert window is not None
            assert window.allowed is allowed
    finally:
        await first.close()
        await second.close()


async def test_while_redis_is_away_nothing_is_refused_and_the_log_says_so() -> None:
    with redis_server() as server:
        await check_storage(server.url)
        rates = RateWindows(server.url)
        assert await rates.count_request("key", 1) is not None
        server.stop()
        with capture_logs() as logs:
            assert await rates.count_request("key", 1) is None
            await rates.add_tokens("key", 1, 5)
        assert {line["event"] for line in logs} == {"rate_limits_unavailable"}
        with pytest.raises(UsageError, match="does not answer"):
            await check_storage(server.url)
        await rates.close()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [("memory://", "a URL like redis://"), ("127.0.0.1:6379", "a URL like redis://")],
)
async def test_a_storage_that_is_none(url: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        await check_storage(url)
    with pytest.raises(UsageError, match=sentence):
        RateWindows(url)
