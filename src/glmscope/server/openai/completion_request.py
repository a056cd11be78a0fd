"""A completion's body → CompletionRequests, one for each of its prompts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeGuard

from glmscope.chat.request import CompletionRequest
from glmscope.chat.service import ServedModel
from glmscope.errors import EmptyInput, InvalidParameter
from glmscope.server import fields
from glmscope.server.fields import Fields, Interval
from glmscope.server.openai.parameters import Streaming, read_streaming, refuse_foreign
from glmscope.server.record import RequestRecord
from glmscope.server.reply_form import TOP_LOGPROBS, read_json_schema
from glmscope.server.sampling import read_sampling

_DEFAULT_MAX_TOKENS = 16
"""OpenAI's own."""
_MOST_PROMPTS = 128
_BEST_OF = Interval(1, 20)

Prompt = str | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CompletionCall:
    """What to continue, and how to send it."""

    completions: tuple[CompletionRequest, ...]
    echo: bool
    streaming: Streaming

    @property
    def n(self) -> int:
        """Choices in all."""
        return sum(completion.n for completion in self.completions)

    @property
    def logprobs(self) -> int | None:
        """See `CompletionRequest`; the same for every prompt."""
        return self.completions[0].logprobs


def read_completion(body: Fields, model: ServedModel, record: RequestRecord) -> CompletionCall:
    """Prompts first, then parameters. Raises EmptyInput and InvalidParameter."""
    prompts = _prompts(body.get("prompt"))
    refuse_foreign(body)
    if body.get("tools") or body.get("functions"):
        raise InvalidParameter("tools belong to chat completions.", param="tools")
    if body.get("plugins"):
        raise InvalidParameter("plugins belong to chat completions.", param="plugins")
    echo = fields.boolean(body, "echo")
    max_tokens = fields.integer(body, "max_tokens", Interval(0, model.limits.output))
    if max_tokens == 0 and not echo:
        raise InvalidParameter("max_tokens 0 needs echo to be true.", param="max_tokens")
    if body.get("suffix"):
        raise InvalidParameter("suffix is not supported by this server.", param="suffix")
    logprobs = fields.integer(body, "logprobs", TOP_LOGPROBS)
    json_schema = read_json_schema(body)
    sampling = read_sampling(body)
    if fields.integer(body, "best_of", _BEST_OF) not in (None, sampling["n"]):
        raise InvalidParameter("best_of should be absent or equal to n.", param="best_of")
    streaming = read_streaming(body)
    completions = tuple(
        CompletionRequest(
            request_id=record.request_id,
            model=model.id,
            prompt=prompt,
            max_tokens=_DEFAULT_MAX_TOKENS if max_tokens is None else max_tokens,
            logprobs=logprobs,
            json_schema=json_schema,
            whole=not streaming.wanted,
            cache_scope=record.cache_scope,
            **sampling,
        )
        for prompt in prompts
    )
    return CompletionCall(completions, echo, streaming)


def _prompts(value: object) -> list[Prompt]:
    """A string, a list of strings, a list of token ids, or a list of such lists."""
    if value is None:
        raise EmptyInput('Required parameter "prompt" missing from request.')
    if isinstance(value, str):
        return [fields.text(value, "prompt")]
    if not isinstance(value, list) or not value:
        raise _wrong_shape()
    if _are_ids(value):
        return [tuple(value)]
    if len(value) > _MOST_PROMPTS:
        raise InvalidParameter(
            f"prompt should have at most {_MOST_PROMPTS} entries.", param="prompt"
        )
    return [_prompt(item, f"prompt[{index}]") for index, item in enumerate(value)]


def _prompt(item: object, where: str) -> Prompt:
    if isinstance(item, str):
        return fields.text(item, where)
    if isinstance(item, list) and _are_ids(item):
        return tuple(item)
    raise _wrong_shape()


def _are_ids(items: list[object]) -> TypeGuard[list[int]]:
    return all(isinstance(item, int) and not isinstance(item, bool) for item in items)


def _wrong_shape() -> InvalidParameter:
    return InvalidParameter(
        "prompt should be a string, a list of strings, a list of token ids or a list of such "
        "lists, and not be empty.",
        param="prompt",
    )
