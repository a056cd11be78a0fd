"""A server's replies as a stream of text: the least of a DashScope client, for the terminal."""

from __future__ import annotations

import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator, Sequence
from http.client import HTTPException, HTTPResponse
from urllib.parse import urlsplit

from glmscope.chat.request import Message
from glmscope.errors import GLMScopeError, RequestError, ServiceError, UsageError

_NATIVE = "/api/v1"
_GENERATION = "/services/aigc/text-generation/generation"
# What the official SDKs wait for between two reads (DashScope protocol, section 1).
_SILENCE_SECONDS = 300


class RemoteModel:
    """A model behind a DashScope address."""

    def __init__(self, server: str, key: str, model: str) -> None:
        """`server`: `http://HOST:PORT`, with or without `/api/v1`; raises UsageError for others."""
        parts = urlsplit(server)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"--server takes an address like http://127.0.0.1:8000, not {server}.")
        base = server.rstrip("/").removesuffix(_NATIVE)
        self._url = base + _NATIVE + _GENERATION
        self._key = key
        self._model = model
        # A proxy cannot reach this machine's own loopback.
        local = parts.hostname == "localhost" or parts.hostname.startswith("127.")
        proxies = [urllib.request.ProxyHandler({})] if local else []
        self._opener = urllib.request.build_opener(*proxies)

    def reply(self, messages: Sequence[Message]) -> Generator[str, None, None]:
        """The next assistant turn, in pieces.

        Raises RequestError or ServiceError with the server's own words, and ServiceError when it
        cannot be reached or breaks off.
        """
        body = {
            "model": self._model,
            "input": {"messages": [{"role": m.role, "content": m.content} for m in messages]},
            "parameters": {"result_format": "message", "incremental_output": True},
        }
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked
            self._url,
            data=json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self._key}",
                "Content-Type": "application/json",
                "X-DashScope-SSE": "enable",
            },
        )
        try:
            with self._opener.open(request, timeout=_SILENCE_SECONDS) as response:
                yield from _texts(response)
        except urllib.error.HTTPError as error:
            raise _refusal(error) from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise ServiceError(f"No answer from {self._url}: {reason}.") from error
        except (ValueError, KeyError, TypeError) as error:
            raise ServiceError(f"What answers at {self._url} is not DashScope.") from error


def _texts(response: HTTPResponse) -> Iterator[str]:
    failed = False
    finished = False
    for raw in response:
        line = raw.decode("utf-8", errors="replace").rstrip("\r\n")
        if line == "event:error":
            failed = True
        elif line.startswith("data:"):
            data = json.loads(line.removeprefix("data:"))
            if failed:
                raise ServiceError(f"{data['message']} ({data['code']})")
            (choice,) = data["output"]["choices"]
            finished = choice["finish_reason"] != "null"
            if choice["message"]["content"]:
                yield choice["message"]["content"]
    if not finished:
        raise ServiceError("The server broke off in the middle of its reply.")


def _refusal(error: urllib.error.HTTPError) -> GLMScopeError:
    kind = RequestError if error.code < 500 else ServiceError
    sentence = f"The server answered with status {error.code}."
    with error, contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        body = json.load(error)
        sentence = f"{body['message']} ({body['code']})"
    return kind(sentence)
