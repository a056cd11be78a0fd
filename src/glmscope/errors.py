"""Every error GLMScope raises on purpose.

    GLMScopeError
    ├── RequestError               the client can mend it
    │   ├── InvalidParameter       400  InvalidParameter
    │   ├── EmptyModel             400  BadRequest.EmptyModel
    │   ├── EmptyInput             400  BadRequest.EmptyInput
    │   ├── IllegalInput           400  BadRequest.IllegalInput
    │   ├── DataInspectionFailed   400  DataInspectionFailed
    │   ├── PayloadTooLarge        413  BadRequest.TooLarge
    │   ├── InvalidApiKey          401  InvalidApiKey
    │   ├── AccessDenied           403  AccessDenied
    │   ├── ModelAccessDenied      403  Model.AccessDenied
    │   ├── ModelNotFound          404  ModelNotFound
    │   ├── PathNotFound           404  NotFound
    │   ├── MethodNotAllowed       405  MethodNotAllowed
    │   ├── RequestTimeOut         408  RequestTimeOut
    │   └── Throttling             429  Throttling
    │       ├── RateQuotaExceeded        429  Throttling.RateQuota
    │       └── AllocationQuotaExceeded  429  Throttling.AllocationQuota
    ├── ServiceError               the server failed or cannot answer now
    │   ├── EngineFailure          500  InternalError.Algo
    │   ├── SandboxUnavailable     503  ModelUnavailable
    │   └── ModelUnavailable       503  ModelUnavailable
    └── OperatorError              whoever runs the server can mend it
        ├── ModelFilesError        a checkpoint or converted model that cannot be used
        │   ├── UnsupportedModel   well-formed, but not a network that we build
        │   └── UnsafePickle       a .bin shard that wants to run something
        ├── HubError               a download that cannot go on
        ├── StoreError             keys, usage or traces cannot be read or written
        └── UsageError             a command given something it cannot do

Each class carries the DashScope `code`, the HTTP `status` and the OpenAI `type` under which a
wire reports it. The message is one sentence for the person who reads it: what was wrong, where,
and what to do; never a stack trace, a key or prompt text.

Source of codes and statuses: DashScope protocol, section 7.
"""

from __future__ import annotations

from typing import ClassVar


class GLMScopeError(Exception):
    """Root of the tree; raised itself only by mistake, and then reported as an internal error."""

    code: ClassVar[str] = "InternalError"
    status: ClassVar[int] = 500
    openai_type: ClassVar[str] = "server_error"
    default_message: ClassVar[str] = (
        # The spelling "occured" is the service's own.
        "An internal error has occured, please try again later or contact service support."
    )

    def __init__(self, message: str | None = None) -> None:
        self.message = message or self.default_message
        super().__init__(self.message)


class RequestError(GLMScopeError):
    """Something in the request is wrong; repeating it unchanged will fail again."""

    code = "InvalidParameter"
    status = 400
    openai_type = "invalid_request_error"
    default_message = (
        "Required parameter(s) missing or invalid, please check the request parameters."
    )


class InvalidParameter(RequestError):
    """A parameter or the input has a wrong type, range or combination; `param` names it."""

    def __init__(self, message: str | None = None, *, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class EmptyModel(RequestError):
    code = "BadRequest.EmptyModel"
    default_message = 'Required parameter "model" missing from request.'


class EmptyInput(RequestError):
    code = "BadRequest.EmptyInput"
    default_message = "Required input parameter missing from request."


class IllegalInput(RequestError):
    """The body is not a JSON object."""

    code = "BadRequest.IllegalInput"
    default_message = "The request body is not a valid JSON object."


class DataInspectionFailed(RequestError):
    """Only where an operator asks for it: we judge nobody's words."""

    code = "DataInspectionFailed"
    default_message = "Input or output data may contain inappropriate content."


class PayloadTooLarge(RequestError):
    code = "BadRequest.TooLarge"
    status = 413
    default_message = "Payload Too Large."


class InvalidApiKey(RequestError):
    code = "InvalidApiKey"
    status = 401
    default_message = "Invalid API-key provided."


class AccessDenied(RequestError):
    code = "AccessDenied"
    status = 403
    default_message = "Access denied."


class ModelAccessDenied(RequestError):
    code = "Model.AccessDenied"
    status = 403
    default_message = "Model access denied."


class ModelNotFound(RequestError):
    code = "ModelNotFound"
    status = 404
    default_message = "Model can not be found."


class PathNotFound(RequestError):
    code = "NotFound"
    status = 404
    default_message = "Nothing is served at this path."


class MethodNotAllowed(RequestError):
    code = "MethodNotAllowed"
    status = 405
    default_message = "This path does not take that HTTP method."


class RequestTimeOut(RequestError):
    code = "RequestTimeOut"
    status = 408
    default_message = "Request timed out, please try again later."


class Throttling(RequestError):
    """Too much work is waiting; sent with `Retry-After`.

    `retry_after`: seconds after which it makes sense to ask again; None where nobody can tell.
    """

    code = "Throttling"
    status = 429
    openai_type = "rate_limit_error"
    default_message = "Requests throttling triggered."

    def __init__(self, message: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RateQuotaExceeded(Throttling):
    """The key's limit of requests a minute, or of requests at the same time."""

    code = "Throttling.RateQuota"
    default_message = "Requests rate limit exceeded, please try again later."


class AllocationQuotaExceeded(Throttling):
    """The key's limit of tokens a minute or a month."""

    code = "Throttling.AllocationQuota"
    default_message = "Allocated quota exceeded, please increase your quota limit."


class ServiceError(GLMScopeError):
    """The request was right; the server could not answer it."""


class EngineFailure(ServiceError):
    code = "InternalError.Algo"
    default_message = (
        "An internal error has occured during execution, please try again later or contact "
        "service support."
    )


class SandboxUnavailable(ServiceError):
    """Code of a model cannot be run safely here; says why, and how to switch that on."""

    code = "ModelUnavailable"  # the protocol has none of its own
    status = 503
    default_message = "The code interpreter is off."


class ModelUnavailable(ServiceError):
    """Loading, or shutting down."""

    code = "ModelUnavailable"
    status = 503
    default_message = "Model is unavailable, please try again later."


class OperatorError(GLMScopeError):
    """A command prints the message and ends with status 1; no wire ever shows it."""


class ModelFilesError(OperatorError):
    """Names the file and, where there is one, the tensor."""


class UnsupportedModel(ModelFilesError):
    """Names what was found and what is supported."""


class UnsafePickle(ModelFilesError):
    """Names the file and the global that the pickle asked for. Nothing of it was run."""


class HubError(OperatorError):
    """Names the model, the file and the endpoint."""


class StoreError(OperatorError):
    """Names the database and what could not be done."""


class UsageError(OperatorError):
    """Names the option or argument and what it may be."""
