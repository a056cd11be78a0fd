"""What goes wrong with a reply on purpose, so that people can test their clients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from glmscope.errors import EngineFailure, GLMScopeError, RequestError, ServiceError

_Error = TypeVar("_Error", bound=GLMScopeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultError:
    """An error to answer with; status and message are the code's own unless given."""

    code: str = EngineFailure.code
    status: int | None = None
    message: str | None = None
    retry_after: int | None = None
    """Seconds, for the header `Retry-After` of an answer that is refused."""

    def refusal(self) -> GLMScopeError:
        """The error in place of an answer."""
        known = known_error(self.code)
        if known is not None and self.status in (None, known.status):
            return known(self.message)
        base = RequestError if self._status < ServiceError.status else ServiceError
        return self._own(base)

    def failure(self) -> ServiceError:
        """The error inside a reply, where only a service can fail."""
        return self._own(ServiceError)

    @property
    def _status(self) -> int:
        known = known_error(self.code)
        return self.status or (known.status if known else ServiceError.status)

    def _own(self, base: type[_Error]) -> _Error:
        known = known_error(self.code) or base
        facts = {
            "code": self.code,
            "status": self._status,
            "openai_type": known.openai_type,
            "default_message": known.default_message,
        }
        kind: type[_Error] = type(base.__name__, (base,), facts)
        return kind(self.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One reply's misfortunes; several may come together.

    An event is one event of a stream, one result frame of a websocket, or a whole plain answer.
    """

    error: FaultError | None = None
    """Refuse the request with it, or fail with it after `error_after` ids."""
    error_after: int | None = None
    hang_ms: float = 0.0
    """Milliseconds without a byte before the answer begins, not even a keep-alive."""
    first_token_ms: float = 0.0
    """Milliseconds that the first token takes; a stream is kept alive meanwhile."""
    token_ms: float = 0.0
    """Milliseconds that every later token takes."""
    drop_after: int | None = None
    """Reset the connection after so many events; 0 before any byte."""
    end_after: int | None = None
    """End a stream cleanly after so many events, without a finish reason. The protocol forbids
    this to a server; a client that is to survive a bad proxy may want to see it."""
    malformed: bool = False
    """Cut the JSON of every event in two."""

    @property
    def refusal(self) -> GLMScopeError | None:
        """What the request is refused with, if it is."""
        if self.error is None or self.error_after is not None:
            return None
        return self.error.refusal()

    @property
    def failure(self) -> ServiceError:
        """What the reply fails with after `error_after` ids."""
        return (self.error or FaultError()).failure()


def known_error(code: str) -> type[GLMScopeError] | None:
    """The error that a wire reports under `code`."""
    kinds = [RequestError, ServiceError]
    for kind in kinds:
        if kind.code == code:
            return kind
        kinds += kind.__subclasses__()
    return None
