"""Operations of an HTTP API as tools."""

from __future__ import annotations

import json
import mimetypes
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from glmscope.agent.tool import ToolError, ToolFile, ToolResult
from glmscope.agent.tools.openapi import Operation
from glmscope.text.toolcall import Value

if TYPE_CHECKING:
    import httpx

_MOST_BYTES = 4 << 20
"""Of an answer; no more is read."""
_MOST_REDIRECTS = 3
_TEXT = re.compile(r"text/|application/(.*\+)?(json|xml)\b|application/x-www-form-urlencoded")
_HIDDEN = "***"


class HttpTool:
    """Makes one request; the answer's text is for the model, pictures and the like are files."""

    def __init__(
        self,
        operation: Operation,
        url: str,
        client: httpx.AsyncClient,
        secret: str | None = None,
        secret_header: str | None = None,
    ) -> None:
        """`secret`: what the client sends in `secret_header`; no answer tells it, and no argument
        takes its place."""
        self.name = operation.name
        self.description = operation.description
        self.parameters = operation.parameters
        self._operation = operation
        self._url = url.rstrip("/")
        self._client = client
        self._secret = secret
        self._secret_header = secret_header

    async def call(self, arguments: Mapping[str, Value]) -> ToolResult:
        """What the API answers, an error status included; at most so much of it is read.

        Raises ToolError for arguments that cannot stand where they belong, for an API that cannot
        be reached, and for a redirect to another host.
        """
        import httpx

        try:
            return await self._send(self._request(arguments))
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise ToolError(f"{self.name} cannot be reached ({type(error).__name__}).") from None

    def _request(self, arguments: Mapping[str, Value]) -> httpx.Request:
        path = self._operation.path
        query: list[tuple[str, str | int | float | bool | None]] = []
        headers: dict[str, str] = {}
        body: dict[str, Value] = {}
        sent: dict[str, Any] = {}
        for argument in self._operation.arguments:
            name, value = argument.name, arguments.get(argument.name)
            if name not in arguments:
                continue
            if argument.place == "path":
                path = path.replace(f"{{{name}}}", quote(_joined(value), safe=""))
            elif argument.place == "query":
                items = value if argument.exploded and isinstance(value, list) else [value]
                query += [(name, _joined(item)) for item in items]
            elif argument.place == "header" and name.lower() != self._secret_header:
                headers[name] = _header(_joined(value), name)
            elif argument.place == "body":
                body[name] = value
            elif argument.place == "whole body":
                sent["json"] = value
        _check_path(path, self._operation.path)
        if body:
            sent["json"] = body
        return self._client.build_request(
            self._operation.method, self._url + path, params=query or None, headers=headers, **sent
        )

    async def _send(self, request: httpx.Request) -> ToolResult:
        for _ in range(_MOST_REDIRECTS + 1):
            response = await self._client.send(request, stream=True)
            try:
                following = response.next_request
                if following is None:
                    return await self._result(response)
            finally:
                await response.aclose()
            if _origin(following.url) != _origin(request.url):
                raise ToolError(f"{self.name} was redirected to another host, and did not follow.")
            request = following
        raise ToolError(f"{self.name} was redirected more than {_MOST_REDIRECTS} times.")

    async def _result(self, response: httpx.Response) -> ToolResult:
        content, cut = await read_some(response)
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        status = f"HTTP {response.status_code}"
        if content and kind and not _TEXT.match(kind):
            if cut:
                raise ToolError(f"{self.name} answered with more than {_MOST_BYTES} bytes.")
            name = self.name + (mimetypes.guess_extension(kind) or "")
            text = f"{status}: {name}, {kind}, {len(content)} bytes"
            return ToolResult(text, (ToolFile(name, content, kind),), response.is_error)
        text = content.decode(response.encoding or "utf-8", "replace")
        if self._secret:
            text = text.replace(self._secret, _HIDDEN)
        if cut:
            text += f"… [TRUNCATED: {len(content)} of {_size(response)} bytes]"
        if response.is_error or not text:
            text = f"{status}: {text}" if text else status
        return ToolResult(text, is_error=response.is_error)


async def read_some(response: httpx.Response) -> tuple[bytes, bool]:
    """The beginning of a body, and whether there is more."""
    content = b""
    async for part in response.aiter_bytes():
        content += part
        if len(content) > _MOST_BYTES:
            return content[:_MOST_BYTES], True
    return content, False


def _size(response: httpx.Response) -> str:
    return str(response.headers.get("Content-Length", f"more than {_MOST_BYTES}"))


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _joined(value: Value) -> str:
    """A value as it stands in an address or a header."""
    if isinstance(value, list):
        return ",".join(_joined(item) for item in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _check_path(path: str, described: str) -> None:
    """An empty part, "." or ".." would lead to another place than the described one."""
    for part, before in zip(path.split("/"), described.split("/"), strict=True):
        if part != before and part in ("", ".", ".."):
            raise ToolError("An argument cannot stand in the address: it is empty or dots.")


def _header(text: str, name: str) -> str:
    if not text.isascii() or not text.isprintable():
        raise ToolError(f"{name} may have printable ASCII characters alone.")
    return text
