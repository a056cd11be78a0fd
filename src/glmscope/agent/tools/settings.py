"""What an operator says about tools: which there are, what bounds them, who may use them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from glmscope.agent.tool import ToolBounds
from glmscope.errors import UsageError


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret that travels in a header, by the name of the environment variable that holds it."""

    variable: str
    header: str | None = None
    """The header that it is sent in as it is; None: as a bearer token in Authorization."""

    @property
    def sent_in(self) -> str:
        """The header's name."""
        return self.header or "Authorization"

    def read(self) -> str:
        """The secret. Raises UsageError where the variable is not set or cannot be sent."""
        secret = os.environ.get(self.variable, "")
        if not secret:
            raise UsageError(f"The environment variable {self.variable} is not set.")
        if not secret.isascii() or not secret.isprintable():
            raise UsageError(f"The environment variable {self.variable} cannot be a header.")
        return secret

    def headers(self) -> dict[str, str]:
        """What is sent with every request."""
        return {self.sent_in: self.read() if self.header else f"Bearer {self.read()}"}


@dataclass(frozen=True, slots=True)
class HttpSource:
    """An HTTP API that an OpenAPI page describes."""

    name: str
    page: str
    """A file, or the address of one."""
    url: str
    """Every request goes below this address, whatever the page says."""
    operations: tuple[str, ...] | None = None
    """Those that become tools; None: all."""
    credential: Credential | None = None


@dataclass(frozen=True, slots=True)
class McpSource:
    """An MCP server: a program to start, or an address; one of the two."""

    name: str
    command: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    """Variables that the program gets beside PATH, HOME and the like."""
    url: str | None = None
    credential: Credential | None = None
    """With a `url`."""


@dataclass(frozen=True, slots=True)
class ToolSettings:
    """All of it; as it is, the built-in tools and those of installed packages."""

    enabled: frozenset[str] | None = None
    """Names of tools; None: all that there are."""
    entry_points: frozenset[str] | None = None
    """Names of entry points that are loaded; None: all."""
    bounds: ToolBounds = field(default_factory=ToolBounds)
    keys: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By a key's id or name the tools that it may use; "*": keys that are not listed."""
    http: tuple[HttpSource, ...] = ()
    mcp: tuple[McpSource, ...] = ()
