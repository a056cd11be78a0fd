"""The address that a server listens on."""

from __future__ import annotations

import os
import socket

from glmscope.errors import UsageError

_LARGEST_PORT = 65_535


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one. Raises UsageError when it cannot be had."""
    if not 0 <= port <= _LARGEST_PORT:
        # getaddrinfo would take it modulo 65536.
        raise UsageError(f"A port is a number from 0 to {_LARGEST_PORT}, not {port}.")
    bound = None
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        # With its protocol named: asyncio sets TCP_NODELAY only on sockets that say TCP, and
        # without it each small event of a stream may wait 40 ms for the one before.
        bound = socket.socket(family, kind, protocol)
        if os.name == "posix":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen()
    except OSError as error:
        if bound is not None:
            bound.close()
        raise UsageError(f"Cannot listen on {host} port {port}: {error.strerror}.") from error
    return bound


def base_url(listener: socket.socket) -> str:
    """`http://HOST:PORT`, the real port included."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
