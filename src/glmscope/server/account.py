"""What a request is allowed and charged. Here: everything, and nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Account:
    """The account of one request, on a server that keeps none; `KeyAccount` is one that does."""

    @asynccontextmanager
    async def reply(self, input_tokens: int) -> AsyncIterator[None]:
        """Generate a reply in the block, whose input has `input_tokens`.

        However the block ends, what was generated in it is counted when it has ended. Raises
        RateQuotaExceeded or AllocationQuotaExceeded, at once, where the key's limits forbid it.
        """
        yield

    async def settle(self) -> None:
        """Count what was generated so far, on disk when this returns.

        To be awaited before bytes leave that tell a client that its reply is whole: then no reply
        that a client got is missing from the accounts, even if the process is killed right after.
        """
