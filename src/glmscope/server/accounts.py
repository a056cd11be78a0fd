"""How much each key may ask, and how much it asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from glmscope.errors import AllocationQuotaExceeded, RateQuotaExceeded
from glmscope.server.account import Account
from glmscope.server.ledger import UsageLedger
from glmscope.server.rates import RateWindows
from glmscope.server.record import RequestRecord
from glmscope.store.keyinfo import KeyInfo, KeyLimits
from glmscope.store.usage import Amount, UsageKey, UsageStore


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """What holds for every key whose own limits say nothing else."""

    defaults: KeyLimits = field(default_factory=KeyLimits)
    storage: str | None = None
    """URL of the Redis that counts requests and tokens a minute; None: each server for itself."""


class Accounts:
    """The accounts of all keys of one server."""

    def __init__(self, usage: UsageStore, settings: LimitSettings | None = None) -> None:
        settings = settings or LimitSettings()
        self.usage = usage
        self.rates = RateWindows(settings.storage)
        self.ledger = UsageLedger(usage)
        self._defaults = settings.defaults
        self._in_flight: dict[str, set[KeyAccount]] = {}

    async def open(self, record: RequestRecord) -> None:
        """Count one request of the record's key, and give the record its account.

        The headers that tell how the limit stands go into the record. Raises RateQuotaExceeded.
        """
        key = record.key
        if key is None:
            return
        limits = key.terms.limits.completed_by(self._defaults)
        record.account = KeyAccount(self, key, limits, record)
        if not limits.requests_per_minute:
            return
        window = await self.rates.count_request(key.id, limits.requests_per_minute)
        if window is None:
            return
        record.headers |= window.headers("requests")
        if not window.allowed:
            raise RateQuotaExceeded(retry_after=window.reset_seconds)

    def in_flight_tokens(self, key: KeyInfo) -> int:
        """Tokens of a key's unfinished replies that no account shows yet."""
        return sum(account.unwritten_tokens for account in self._in_flight.get(key.id, ()))

    @contextmanager
    def in_flight(self, account: KeyAccount, limit: int | None) -> Iterator[None]:
        """Have one more unfinished reply for the length of the block.

        Raises RateQuotaExceeded when the key has `limit` of them.
        """
        accounts = self._in_flight.setdefault(account.key.id, set())
        if limit and len(accounts) >= limit:
            raise RateQuotaExceeded(
                f"This API-key may have {limit} requests at the same time; wait until one has "
                "ended."
            )
        accounts.add(account)
        try:
            yield
        finally:
            accounts.remove(account)
            if not accounts:
                self._in_flight.pop(account.key.id, None)

    async def close(self) -> None:
        """Write what is left, and close the connections."""
        await self.ledger.close()
        await self.rates.close()


class KeyAccount(Account):
    """The account of one request of a key."""

    def __init__(
        self, accounts: Accounts, key: KeyInfo, limits: KeyLimits, record: RequestRecord
    ) -> None:
        self.key = key
        self._accounts = accounts
        self._limits = limits
        self._record = record
        self._input_tokens = 0
        self._charged_tokens = 0
        self._settled = Amount()
        self._written_tokens = 0

    @property
    def unwritten_tokens(self) -> int:
        """What the reply has used so far, its whole input at least, and the store does not know."""
        usage = self._record.usage
        made = usage.input_tokens + usage.output_tokens if usage else 0
        return max(self._input_tokens, made) - self._written_tokens

    @asynccontextmanager
    async def reply(self, input_tokens: int) -> AsyncIterator[None]:
        """See `Account.reply`.

        A reply that was let in is brought to its end: what it makes beyond a limit keeps the next
        request waiting.
        """
        self._input_tokens = input_tokens
        with self._accounts.in_flight(self, self._limits.concurrent_requests):
            await self._check_month()
            await self._charge_input()
            try:
                yield
            finally:
                await self.settle()

    async def settle(self) -> None:
        """See `Account.settle`. Called again it counts what has come since."""
        usage, model = self._record.usage, self._record.model
        if usage is None or model is None:
            return
        made = Amount(1, usage.input_tokens, usage.output_tokens)
        # Each of the two may be cut short by a client that leaves, and is made up for by the next
        # call: neither depends on how the other went.
        added, self._settled = made - self._settled, made
        if added != Amount():
            today = datetime.now(timezone.utc).date()
            await self._accounts.ledger.add(UsageKey(self.key.id, model, today), added)
        self._written_tokens = made.tokens
        if limit := self._limits.tokens_per_minute:
            more, self._charged_tokens = made.tokens - self._charged_tokens, made.tokens
            await self._accounts.rates.add_tokens(self.key.id, limit, more)

    async def _check_month(self) -> None:
        limit = self._limits.tokens_per_month
        if not limit:
            return
        today = datetime.now(timezone.utc).date()
        used = await run_in_threadpool(
            self._accounts.usage.tokens_since, self.key.id, today.replace(day=1)
        )
        # This reply's own input is among those in flight.
        if used + self._accounts.in_flight_tokens(self.key) > limit:
            # A client should not sleep for weeks, as the wait says.
            self._record.headers["x-should-retry"] = "false"
            raise AllocationQuotaExceeded(
                f"This API-key's {limit} tokens of the month are used up; {_next_month(today)} "
                "(UTC) brings new ones.",
                retry_after=_seconds_until(_next_month(today)),
            )

    async def _charge_input(self) -> None:
        limit = self._limits.tokens_per_minute
        if not limit:
            return
        window = await self._accounts.rates.count_tokens(self.key.id, limit, self._input_tokens)
        if window is None:
            return
        self._record.headers |= window.headers("tokens")
        if not window.allowed:
            raise AllocationQuotaExceeded(retry_after=window.reset_seconds)
        self._charged_tokens = self._input_tokens


def request_check(accounts: Accounts | None) -> Callable[[HTTPConnection], Awaitable[None]]:
    """A dependency to follow the key's: opens the request's account, if accounts are kept."""

    async def check(connection: HTTPConnection) -> None:
        if accounts is not None:
            await accounts.open(RequestRecord.of(connection))

    return check


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _seconds_until(day: date) -> float:
    begin = datetime(day.year, day.month, day.day, tzinfo=timezone.utc)
    return (begin - datetime.now(timezone.utc)).total_seconds()
