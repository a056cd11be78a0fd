"""Who is asking. DashScope protocol, section 2."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from glmscope.errors import InvalidApiKey
from glmscope.server.record import RequestRecord
from glmscope.store.keys import KeyStore


def key_check(keys: KeyStore | None) -> Callable[[HTTPConnection], Awaitable[None]]:
    """A dependency for routes that need a key; it notes whose key it is, never its text.

    Without a store everyone may ask: for servers that only their own machine can reach.
    """

    async def check(connection: HTTPConnection) -> None:
        if keys is None:
            return
        # In a thread, because a database may be slow or far away.
        key = await run_in_threadpool(keys.verify, _presented(connection))
        if key is None:
            raise InvalidApiKey
        RequestRecord.of(connection).key = key

    return check


def _presented(connection: HTTPConnection) -> str:
    """The token of `Authorization: Bearer TOKEN`, the scheme's case being free.

    Raises InvalidApiKey without a token, with another scheme, and with several headers.
    """
    given = connection.headers.getlist("authorization")
    if not given:
        raise InvalidApiKey("No API-key provided.")
    scheme, _, token = given[0].strip().partition(" ")
    token = token.strip()
    if len(given) > 1 or scheme.lower() != "bearer":
        raise InvalidApiKey
    if not token:
        raise InvalidApiKey("No API-key provided.")
    return token
