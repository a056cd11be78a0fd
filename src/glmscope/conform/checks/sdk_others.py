"""Models, conversations and many calls at once. Section 8."""

from __future__ import annotations

from typing import Any

from glmscope.conform.check import Skip, equal, expect, sdk
from glmscope.conform.script import PROMPT, echo
from glmscope.conform.sdk.response import Response, joined
from glmscope.conform.sdk.sdk import Sdk
from glmscope.conform.target import CHATGLM2, CHATGLM3, GREEDY

_CALLS = 50


def _has_models(sdk: Sdk) -> bool:
    """1.14 passes the arguments of its Model.list in the wrong order, the key among them."""
    return not sdk.name.endswith(" 1.14.0")


@sdk(61)
def models(sdk: Sdk) -> None:
    found = sdk.ask("get_model", name=CHATGLM3)
    equal(found["status"], 200, f"get {CHATGLM3}")
    equal(sdk.ask("get_model", name="none")["status"], 404, "get an unknown model")
    if not _has_models(sdk):
        broken = sdk.ask("list_models", arguments={})
        equal((broken["status"], broken["code"]), (401, "InvalidApiKey"), "its broken list")
        return
    equal(found["output"]["model"], CHATGLM3, "name of the model")
    listed = sdk.ask("list_models", arguments={"page": 1, "page_size": 10})["output"]
    names = [model["model"] for model in listed["models"]]
    expect(CHATGLM3 in names, f"listed: {names}")
    equal(listed["total"], len(names), "total")
    sdk.target.need(CHATGLM2)
    expect(CHATGLM2 in names, f"listed: {names}")
    first = sdk.ask("list_models", arguments={"page": 1, "page_size": 1})["output"]["models"]
    second = sdk.ask("list_models", arguments={"page": 2, "page_size": 1})["output"]["models"]
    equal([model["model"] for model in first + second], names[:2], "two pages of one")


@sdk(62, needs_script=True)
def conversation(sdk: Sdk) -> None:
    prompts = ["first question", "second question", PROMPT]
    found = sdk.ask("converse", prompts=prompts, arguments={"model": CHATGLM3, **GREEDY})
    answers = [Response(**each) for each in found]
    for answer, prompt in zip(answers[:2], prompts, strict=False):
        equal(answer.text.strip(), echo(prompt), "an answer")
    for said in (*prompts[:2], echo(prompts[0]), echo(prompts[1])):
        expect(said in answers[2].text, f"{said!r} is not in the third prompt")


@sdk(68, needs_script=True)
def fifty_at_once(sdk: Sdk) -> None:
    calls: list[dict[str, Any]] = []
    for number in range(_CALLS):
        prompt = f"question {number}, {'长' * number}!"
        call = {"prompt": prompt, "result_format": ("text", "message")[number % 2], **GREEDY}
        if number % 3:
            call |= {"stream": True, "incremental_output": number % 3 == 1}
        if number % 10 == 0:
            call["transport"] = "websocket"
        calls.append(call)
    results = sdk.parallel(calls)
    for call, responses in zip(calls, results, strict=True):
        bad = [response.code for response in responses if not response.ok]
        if "Throttling" in bad:
            raise Skip(f"the server lets fewer than {_CALLS} in at once")
        equal(bad, [], "errors")
        text = joined(responses) if call.get("incremental_output") else responses[-1].text
        equal(text.strip(), echo(call["prompt"]), "answer")
