"""Tokens as an SDK counts them. Sections 4 and 8."""

from __future__ import annotations

from typing import Any

from glmscope.conform.check import equal, expect, sdk
from glmscope.conform.sdk.sdk import Sdk
from glmscope.conform.target import CHATGLM2, CHATGLM3, GREEDY, assistant, user

_MESSAGES: list[dict[str, Any]] = [
    {"role": "system", "content": "You are a helpful assistant."},
    user("介绍下杭州"),
    assistant("好的，😀"),
    user("And then?"),
]


def _tokens(sdk: Sdk, **given: Any) -> list[int]:
    answer = sdk.ask("tokenize", arguments={"model": CHATGLM3, **given})
    said = f"{answer['status']} {answer['code']}: {answer['message']}"
    expect(answer["status"] == 200, f"tokenizer: {said}")
    output = answer["output"]
    equal(len(output["tokens"]), len(output["token_ids"]), "tokens beside token_ids")
    expect(all(isinstance(token, str) for token in output["tokens"]), "tokens that are no strings")
    equal(answer["usage"]["input_tokens"], len(output["token_ids"]), "input_tokens of tokenizer")
    return list(output["token_ids"])


@sdk(30)
def input_count(sdk: Sdk) -> None:
    alone = [len(_tokens(sdk, prompt=message["content"])) for message in _MESSAGES]
    response = sdk.call(messages=_MESSAGES, max_tokens=1, **GREEDY)
    equal(response.tokens[0], sum(alone), "input_tokens, beside each content alone")


@sdk(60)
def tokenizer(sdk: Sdk) -> None:
    unknown = sdk.ask("tokenize", arguments={"model": "none", "prompt": "x"})
    equal((unknown["status"], unknown["code"]), (404, "ModelNotFound"), "unknown model")
    for model in (CHATGLM3, CHATGLM2):
        sdk.target.need(model)
        for given in ({"prompt": "介绍下杭州, 😀!"}, {"messages": _MESSAGES}):
            ids = _tokens(sdk, **{**given, "model": model})
            response = sdk.call(model=model, max_tokens=1, **given, **GREEDY)
            equal(len(ids), response.tokens[0], f"tokens of {model} beside usage")
