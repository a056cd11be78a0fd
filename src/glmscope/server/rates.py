"""Requests and tokens a minute: counted in this process, or in Redis for several servers."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import structlog
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter, RateLimiter
from limits.errors import StorageError

from glmscope.errors import UsageError

if TYPE_CHECKING:
    from redis.asyncio import ConnectionPool

T = TypeVar("T")

_log = structlog.get_logger("glmscope.server")

_SCHEMES = ("redis", "rediss", "unix")
# A request waits this long for Redis, then goes on without it.
_REDIS_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Window:
    """How a limit stands."""

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: float
    """Until room is made again: by the oldest request, or for all tokens of the minute."""

    def headers(self, what: str) -> dict[str, str]:
        """`x-ratelimit-*` headers as OpenAI names them; the reset in whole seconds, rounded up."""
        return {
            f"x-ratelimit-limit-{what}": str(self.limit),
            f"x-ratelimit-remaining-{what}": str(self.remaining),
            f"x-ratelimit-reset-{what}": str(math.ceil(self.reset_seconds)),
        }


class RateWindows:
    """Counts what each key asks in a minute.

    Requests fill a window that moves: there are never more than the limit in any sixty seconds.
    Tokens fill one that begins with the first of them and is emptied after a minute: how many a
    reply makes is known only at its end, so what is over the limit has to be noted somewhere.

    While Redis does not answer, nothing is refused on its account, and the log says so.
    """

    def __init__(self, url: str | None = None) -> None:
        """`url`: of a Redis, `redis://HOST:PORT/DB` or its like; None counts in this process.

        Connects to nothing yet. Raises UsageError for another URL, or without the extra `redis`.
        """
        self._pool: ConnectionPool | None = None
        storage: MemoryStorage | RedisStorage = MemoryStorage()
        if url is not None:
            self._pool = _redis_pool(url)
            storage = _redis_storage(self._pool)
        self._requests = MovingWindowRateLimiter(storage)
        self._tokens = FixedWindowRateLimiter(storage)

    async def count_request(self, key_id: str, limit: int) -> Window | None:
        """One more request, counted when it is allowed. None where it could not be counted."""
        return await _unless_unreachable(_count(self._requests, "requests", key_id, limit, 1))

    async def count_tokens(self, key_id: str, limit: int, tokens: int) -> Window | None:
        """So many tokens more, counted when all of them fit. None where they could not be."""
        return await _unless_unreachable(_count(self._tokens, "tokens", key_id, limit, tokens))

    async def add_tokens(self, key_id: str, limit: int, tokens: int) -> None:
        """So many tokens more, whether they fit or not."""
        if tokens > 0:
            item = RateLimitItemPerMinute(limit)
            await _unless_unreachable(self._tokens.hit(item, "tokens", key_id, cost=tokens))

    async def close(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            await self._pool.aclose()


async def check_storage(url: str) -> None:
    """Raises UsageError when the Redis at `url` does not answer, or cannot be asked."""
    pool = _redis_pool(url)
    try:
        reachable = await _unless_unreachable(_redis_storage(pool).check())
    finally:
        await pool.aclose()
    if not reachable:
        raise UsageError(
            "The Redis of [limits] storage does not answer; start it or correct the URL."
        )


async def _count(limiter: RateLimiter, what: str, key_id: str, limit: int, cost: int) -> Window:
    item = RateLimitItemPerMinute(limit)
    # Asked before it is counted: what is refused must not fill the window.
    allowed = await limiter.test(item, what, key_id, cost=cost)
    if allowed and cost:
        allowed = await limiter.hit(item, what, key_id, cost=cost)
    stats = await limiter.get_window_stats(item, what, key_id)
    return Window(allowed, limit, max(0, stats.remaining), max(0.0, stats.reset_time - time.time()))


async def _unless_unreachable(answer: Awaitable[T]) -> T | None:
    try:
        return await answer
    except StorageError as error:
        # Its text may hold the URL, and that a password.
        _log.error("rate_limits_unavailable", error=type(error.storage_error).__name__)
        return None


def _redis_pool(url: str) -> ConnectionPool:
    if urlsplit(url).scheme not in _SCHEMES:
        raise UsageError("[limits] storage is a URL like redis://127.0.0.1:6379/0.")
    try:
        from redis.asyncio import ConnectionPool
    except ImportError:
        raise UsageError(
            "[limits] storage needs the redis package: pip install 'glmscope[redis]'"
        ) from None
    try:
        return ConnectionPool.from_url(
            url, socket_timeout=_REDIS_SECONDS, socket_connect_timeout=_REDIS_SECONDS
        )
    except ValueError:
        raise UsageError("The URL of [limits] storage cannot be read.") from None


def _redis_storage(pool: ConnectionPool) -> RedisStorage:
    return RedisStorage(
        "async+redis://",  # where it is, the pool knows
        wrap_exceptions=True,
        implementation="redispy",
        key_prefix="glmscope",
        connection_pool=pool,  # type: ignore[arg-type]  # documented, and annotated too narrowly
    )
