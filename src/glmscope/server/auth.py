"""Who is asking. DashScope protocol, section 2."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from glmscope.errors import AccessDenied, InvalidApiKey
from glmscope.server.record import RequestRecord
from glmscope.store import keytext
from glmscope.store.keyinfo import Role
from glmscope.store.keys import KeyStore


def key_check(
    keys: KeyStore | None, role: Role | None = Role.USER
) -> Callable[[HTTPConnection], Awaitable[None]]:
    """A dependency for routes that need a key of `role`; it notes whose key it is, never its text.

    With None a key of any role will do. Without a store everyone may ask: for servers that only
    their own machine can reach.
    """

    async def check(connection: HTTPConnection) -> None:
        if keys is None:
            return
        # In a thread, because a database may be slow or far away.
        key = await run_in_threadpool(keys.verify, _presented(connection))
        if key is None:
            raise InvalidApiKey
        RequestRecord.of(connection).key = key
        if role is not None and key.terms.role is not role:
            raise AccessDenied(_WRONG_ROLE[role])

    return check


_WRONG_ROLE = {
    Role.USER: "This is an admin key, which opens /api/admin/v1 alone; use an ordinary key here.",
    Role.ADMIN: "This path needs an admin key: glmscope keys create --admin.",
}


def _presented(connection: HTTPConnection) -> str:
    """The token of `Authorization: Bearer TOKEN`, the scheme's case being free.

    Raises InvalidApiKey without a token, with another scheme, with several headers, and for a key
    of the hosted service, which should never have been sent here.
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
    if keytext.looks_like_cloud_key(token):
        raise InvalidApiKey(
            "That looks like a key of the hosted service. It is not needed here and should not be "
            "sent to other servers: use a key that this server's operator made with "
            "`glmscope keys create`."
        )
    return token
