"""Runs inside the interpreter under test: does with its `dashscope` what each line asks for.

A program of its own that needs nothing but the SDK: Python 3.8 or later, SDK 1.14 to 2.0. A line
on stdin is a JSON object {"op": NAME, "arguments": {...}}; a line on stdout answers it with
{"result": ...}, or {"raised": TYPES, "code": CODE, "message": TEXT} for whatever the SDK raised.
Addresses and the key come by the SDK's own environment variables.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

# The directory of this file: not a place from which the SDK's imports may be satisfied.
sys.path.pop(0)


def _class_of(module: str, name: str) -> Any:
    try:
        return getattr(importlib.import_module(module), name, None)
    except ImportError:
        return None


dashscope: Any = importlib.import_module("dashscope")
Generation = dashscope.Generation
AioGeneration: Any = getattr(dashscope, "AioGeneration", None)
Client: Any = getattr(dashscope, "Client", None)
Completions = _class_of("dashscope.aigc.chat_completion", "Completions")
# The name of 1.14.
Models = getattr(dashscope, "Models", None) or dashscope.Model


def hello() -> dict[str, Any]:
    """Version, and which of the younger classes are there."""
    present = {"AioGeneration": AioGeneration, "Client": Client, "Completions": Completions}
    return {
        "version": importlib.import_module("dashscope.version").__version__,
        "python": ".".join(str(part) for part in sys.version_info[:3]),
        "classes": [name for name, found in present.items() if found is not None],
    }


def shown(response: Any) -> dict[str, Any]:
    """A response as plain JSON."""
    return {
        "status": response.status_code,
        "code": response.code,
        "message": response.message,
        "request_id": response.request_id,
        "output": json.loads(json.dumps(response.output)),
        "usage": json.loads(json.dumps(response.usage)),
    }


def generate(transport: str, stream: bool, arguments: dict[str, Any]) -> list[Any]:
    """Generation over "http", "async" or "websocket"; a list of responses, one if not streamed."""
    if transport == "async":
        return asyncio.run(_generate_async(stream, arguments))
    if transport == "websocket":
        arguments = dict(arguments, api_protocol="websocket")
    if not stream:
        return [shown(Generation.call(**arguments))]
    return [shown(response) for response in Generation.call(stream=True, **arguments)]


async def _generate_async(stream: bool, arguments: dict[str, Any]) -> list[Any]:
    try:
        if not stream:
            return [shown(await AioGeneration.call(**arguments))]
        responses = await AioGeneration.call(stream=True, **arguments)
        return [shown(response) async for response in responses]
    finally:
        close = getattr(dashscope, "close_shared_aio_session", None)
        if close is not None:
            await close()


def parallel(calls: list[dict[str, Any]]) -> list[Any]:
    """Several `generate` at the same time; their results in order."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: generate(**call), calls))


def converse(prompts: list[str], arguments: dict[str, Any]) -> list[Any]:
    """Rounds of one Conversation that keeps its own history."""
    conversation = dashscope.Conversation()
    return [
        shown(conversation.call(prompt=prompt, auto_history=True, **arguments))
        for prompt in prompts
    ]


def tokenize(arguments: dict[str, Any]) -> Any:
    """Tokenization.call."""
    return shown(dashscope.Tokenization.call(**arguments))


def list_models(arguments: dict[str, Any]) -> Any:
    """Models.list, or Model.list as it was called in 1.14."""
    return shown(Models.list(**arguments))


def get_model(name: str) -> Any:
    """Models.get, or Model.get."""
    return shown(Models.get(name))


def create(protocol: str, asynchronous: bool, stream: bool, arguments: dict[str, Any]) -> list[Any]:
    """chat.completions.create of the 2.0 Client or AsyncClient; the messages it brought."""
    base = "DASHSCOPE_COMPATIBLE_BASE_URL" if protocol == "openai" else "DASHSCOPE_HTTP_BASE_URL"
    settings = {"base_url": os.environ[base], "api_key": os.environ["DASHSCOPE_API_KEY"]}
    if protocol == "openai":
        settings["protocol"] = "openai"
    if asynchronous:
        return asyncio.run(_create_async(settings, stream, arguments))
    with Client(**settings) as client:
        answer = client.chat.completions.create(stream=stream, **arguments)
        return [_message(each, stream) for each in (answer if stream else [answer])]


def complete(arguments: dict[str, Any]) -> Any:
    """Completions.create, the older way to the OpenAI plane; the message it brought."""
    return _message(Completions.create(**arguments), stream=False)


async def _create_async(
    settings: dict[str, str], stream: bool, arguments: dict[str, Any]
) -> list[Any]:
    async with dashscope.AsyncClient(**settings) as client:
        answer = await client.chat.completions.create(stream=stream, **arguments)
        if not stream:
            return [_message(answer, stream)]
        return [_message(chunk, stream) async for chunk in answer]


def _message(answer: Any, stream: bool) -> dict[str, Any]:
    if not answer.choices:
        return {"content": "", "finish_reason": None}
    choice = answer.choices[0]
    message = choice.delta if stream else choice.message
    return {"content": message.content or "", "finish_reason": choice.finish_reason}


OPERATIONS = {
    function.__name__: function
    for function in (
        hello,
        generate,
        parallel,
        converse,
        tokenize,
        list_models,
        get_model,
        create,
        complete,
    )
}


def main() -> None:
    """Answer line after line until stdin ends."""
    # Whatever the SDK prints must not stand between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"result": OPERATIONS[request["op"]](**request["arguments"])}
        except Exception as error:
            kinds = [kind.__name__ for kind in type(error).__mro__]
            code = getattr(error, "code", None)
            answer = {"raised": kinds, "code": code, "message": str(error)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
