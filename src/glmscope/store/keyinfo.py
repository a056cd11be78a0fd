"""What is known about an API key, its text left out."""

from __future__ import annotations

import enum
import time
from dataclasses import dataclass, field, fields
from datetime import datetime

from glmscope.errors import UsageError

NO_LIMIT = 0
"""As a key's limit: none, whatever the server's default is."""

# What a 64-bit column holds.
_LARGEST_LIMIT = 2**63 - 1


class Role(str, enum.Enum):
    """What a key opens: the models, or the server's accounts, never both.

    A key that lies in a program's environment can so never tell who else asks what.
    """

    USER = "user"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """How much may be asked. None: the server's default; 0: no limit. Raises UsageError for less.

    Tokens are counted as `usage` tells them, input and output together.
    """

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrent_requests: int | None = None
    """Replies that may run or wait at the same time, streamed or not."""
    tokens_per_month: int | None = None
    """A month of the calendar, in UTC."""

    def __post_init__(self) -> None:
        for name, value in self.given().items():
            if not 0 <= value <= _LARGEST_LIMIT:
                raise UsageError(f"{name} is a whole number from 0 on (0: no limit), not {value}.")

    def given(self) -> dict[str, int]:
        """The limits that are not left to a default, by name."""
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    def completed_by(self, defaults: KeyLimits) -> KeyLimits:
        """These limits, and those of `defaults` where these say nothing."""
        return KeyLimits(**{**defaults.given(), **self.given()})


@dataclass(frozen=True, slots=True)
class KeyTerms:
    """What a key may do, and until when; all of it can be changed later, except its role."""

    role: Role = Role.USER
    models: frozenset[str] | None = None
    """The ids that it may use; None: every model."""
    expires_at: datetime | None = None
    """With a time zone, whole seconds; None: never."""
    limits: KeyLimits = KeyLimits()


@dataclass(frozen=True)
class KeyInfo:
    """What may be shown and logged about a key."""

    id: str
    name: str
    last4: str
    """The key's last four characters; empty for an own key too short to show them."""
    created_at: datetime
    revoked_at: datetime | None
    terms: KeyTerms = KeyTerms()
    old_until: datetime | None = None
    """Until when the text that a rotation replaced still opens; None where it does not."""

    @property
    def state(self) -> str:
        """`active`, `revoked` or `expired`."""
        if self.revoked_at is not None:
            return "revoked"
        expires_at = self.terms.expires_at
        return "expired" if expires_at and expires_at.timestamp() <= time.time() else "active"

    @property
    def active(self) -> bool:
        """Whether the key opens anything now."""
        return self.state == "active"

    def may_use(self, model: str) -> bool:
        """Whether the model is among those that the key was made for."""
        return self.terms.models is None or model in self.terms.models


@dataclass(frozen=True)
class NewKey(KeyInfo):
    """A key at the only moment when its text exists here."""

    key: str = field(repr=False, default="")
