"""Where tools of HTTP APIs come from: a page that the operator names."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import structlog

from glmscope.agent.tools.http import HttpTool, read_some
from glmscope.agent.tools.openapi import LeftOut, Operation, read_page
from glmscope.agent.tools.settings import HttpSource
from glmscope.errors import UsageError

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_PAGE_TIMEOUT = 30.0


@asynccontextmanager
async def open_http(source: HttpSource) -> AsyncIterator[list[HttpTool]]:
    """The tools of an API, as long as the context lasts.

    Raises UsageError for a page that cannot be read, for an operation that is wanted and is not
    there or cannot be a tool, for an address that is none, and without the extra.
    """
    where = f"[tools.http.{source.name}]"
    try:
        import httpx
        import yaml  # noqa: F401
    except ImportError:
        raise UsageError(f"{where} needs more packages: pip install 'glmscope[tools]'") from None
    check_address(source.url, where)
    operations = list(_wanted(read_page(await _read(source.page, where), where), source, where))
    headers = {"Accept-Encoding": "identity"}
    secret = header = None
    if source.credential is not None:
        headers |= source.credential.headers()
        secret, header = source.credential.read(), source.credential.sent_in.lower()
    # Whoever runs a tool keeps its time.
    async with httpx.AsyncClient(headers=headers, timeout=None) as client:  # noqa: S113
        yield [HttpTool(each, source.url, client, secret, header) for each in operations]


def check_address(url: str, where: str) -> None:
    """Raises UsageError for what is no address of a server, or says more than host and path."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{where}: url is an address that begins with http:// or https://.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError(f"{where}: url has a host and a path, and nothing else.")


def _wanted(
    found: list[Operation | LeftOut], source: HttpSource, where: str
) -> Iterator[Operation]:
    names = {each.name for each in found}
    if missing := set(source.operations or ()) - names:
        raise UsageError(f'{where}: the page has no operation "{min(missing)}".')
    for each in found:
        if source.operations is not None and each.name not in source.operations:
            continue
        if isinstance(each, Operation):
            yield each
        elif source.operations is not None:
            raise UsageError(f"{where}: {each.name} cannot be a tool: {each.reason}.")
        else:
            _log.warning("tool_left_out", tool=each.name, source=source.name, reason=each.reason)


async def _read(page: str, where: str) -> Any:  # noqa: ANN401 - whatever the page holds
    """A page from a file or an address, JSON or YAML, as JSON has it."""
    import httpx
    import yaml

    try:
        content = await _fetch(page) if page.startswith(("http://", "https://")) else None
        if content is None:
            content = Path(page).read_bytes()
        # YAML reads JSON too. What it has beyond JSON, such as dates, are texts in a page.
        return json.loads(json.dumps(yaml.safe_load(content), default=str))
    except (OSError, httpx.HTTPError, httpx.InvalidURL) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise UsageError(f"{where}: the page {page} cannot be read: {reason}.") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise UsageError(f"{where}: the page {page} is neither JSON nor YAML.") from None


async def _fetch(page: str) -> bytes:
    """Without the API's secret: the page may lie anywhere."""
    import httpx

    async with (
        httpx.AsyncClient(timeout=_PAGE_TIMEOUT, follow_redirects=True) as client,
        client.stream("GET", page) as response,
    ):
        response.raise_for_status()
        content, cut = await read_some(response)
    if cut:
        raise OSError(0, "it is too large")
    return content
