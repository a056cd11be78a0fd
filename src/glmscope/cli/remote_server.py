"""A running server as commands reach it: over HTTP, with a key, its refusals in its own words."""

from __future__ import annotations

import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from glmscope.errors import GLMScopeError, RequestError, ServiceError, UsageError

GENERATION = "/api/v1/services/aigc/text-generation/generation"
STREAM = {"Content-Type": "application/json", "X-DashScope-SSE": "enable"}
"""The headers of a body whose reply is to be streamed."""

_NATIVE = "/api/v1"
# What the official SDKs wait for between two reads (DashScope protocol, section 1).
_SILENCE_SECONDS = 300


class RemoteServer:
    """What answers at an address `http://HOST:PORT`, with or without `/api/v1`."""

    def __init__(self, address: str, key: str | None) -> None:
        """Raises UsageError for what is no such address."""
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(
                f"--server takes an address like http://127.0.0.1:8000, not {address}."
            )
        self._base = address.rstrip("/").removesuffix(_NATIVE)
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        # A proxy cannot reach this machine's own loopback.
        local = parts.hostname == "localhost" or parts.hostname.startswith("127.")
        proxies = [urllib.request.ProxyHandler({})] if local else []
        self._opener = urllib.request.build_opener(*proxies)

    @contextmanager
    def open(
        self, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Iterator[HTTPResponse]:
        """The answer to a GET, or to a POST of `body`, to be read inside the block.

        Raises RequestError or ServiceError with the server's own words, and ServiceError when it
        cannot be reached, breaks off, or says what the block cannot read (ValueError, KeyError or
        TypeError in it).
        """
        url = self._base + path
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked
            url, data=body, headers={**self._headers, **(headers or {})}
        )
        try:
            with self._opener.open(request, timeout=_SILENCE_SECONDS) as response:
                yield response
        except urllib.error.HTTPError as error:
            raise _refusal(error) from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise ServiceError(f"No answer from {url}: {reason}.") from error
        except (ValueError, KeyError, TypeError) as error:
            raise ServiceError(f"What answers at {url} is not DashScope.") from error


def reply_events(response: HTTPResponse) -> Iterator[Mapping[str, Any]]:
    """The data of every event of a streamed reply in the message form.

    Raises ServiceError for an error in the stream, and for a reply that breaks off; KeyError and
    the like for what is no such reply, as the block of `RemoteServer.open` may.
    """
    failed = finished = False
    for raw in response:
        line = raw.decode("utf-8", errors="replace").rstrip("\r\n")
        if line == "event:error":
            failed = True
        elif line.startswith("data:"):
            data = json.loads(line.removeprefix("data:"))
            if failed:
                raise ServiceError(f"{data['message']} ({data['code']})")
            finished = data["output"]["choices"][0]["finish_reason"] != "null"
            yield data
    if not finished:
        raise ServiceError("The server broke off in the middle of its reply.")


def _refusal(error: urllib.error.HTTPError) -> GLMScopeError:
    kind = RequestError if error.code < 500 else ServiceError
    sentence = f"The server answered with status {error.code}."
    with error, contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        body = json.load(error)
        sentence = f"{body['message']} ({body['code']})"
    return kind(sentence)
