"""Hold a model to random tools: how many replies are valid calls, and what a token then costs.

    python -m scripts.measure_calls CONVERTED --replies 500

Each reply is held to tools of its own, drawn at random, and checked with `jsonschema`; it runs
alone, and right after it one of as many tokens that is held to nothing. Replies are drawn until so
many have ended by themselves; those that reach the limit of tokens are counted apart. The time to
the first token holds the preparation of the grammar. Tools with a bound of a string's length are
timed by themselves: where characters are counted, the runtime looks at ids one by one.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import statistics
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import jsonschema
from tests.engine.schemas import Schema, random_parameters

from glmscope.cli.vocabulary import vocabulary_of
from glmscope.engine.engine import CallableTool, CallRule, Sampling
from glmscope.engine.openvino import OpenVINOEngine
from glmscope.family import Family
from glmscope.model.manifest import TOKENIZER_FILE
from glmscope.text.reply import ToolCall, parse_turn_ids
from glmscope.text.tokenizer import Tokenizer

QUESTION = "你好"


@dataclass
class Times:
    """Seconds to the first token, and between those that follow."""

    first: list[float] = field(default_factory=list)
    between: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        first, between = statistics.median(self.first), statistics.mean(self.between)
        return f"first token {first * 1e3:.1f} ms, then {between * 1e3:.3f} ms a token"


async def reply(
    engine: OpenVINOEngine, prompt: list[int], sampling: Sampling, times: Times
) -> tuple[list[int], str | None]:
    """The ids of one reply and why it ended; its times are added to `times`."""
    ids: list[int] = []
    finish = None
    last = started = time.perf_counter()
    async for step in engine.generate(prompt, sampling):
        now = time.perf_counter()
        if not ids:
            times.first.append(now - started)
        elif step.ids:
            times.between.append((now - last) / len(step.ids))
        last = now
        ids += step.ids
        finish = step.finish
    return ids, finish


def is_valid(tokenizer: Tokenizer, ids: list[int], tools: dict[str, Schema]) -> bool:
    """Whether the reply calls one of the tools as it was declared."""
    call = parse_turn_ids(tokenizer, ids, tools_offered=True).answer
    if not isinstance(call, ToolCall) or call.name not in tools:
        return False
    return bool(jsonschema.Draft202012Validator(tools[call.name]).is_valid(call.parameters))


@dataclass
class Count:
    """Replies by how they ended, and the times of their tokens."""

    valid: int = 0
    ended: int = 0
    cut: int = 0
    counting: Times = field(default_factory=Times)
    """Held to tools that bound a string's length."""
    held: Times = field(default_factory=Times)
    free: Times = field(default_factory=Times)

    def __str__(self) -> str:
        free = statistics.mean(self.free.between)
        held, counting = (
            f"{times}, {statistics.mean(times.between) / free:.2f} times that"
            for times in (self.held, self.counting)
        )
        return (
            f"{self.valid} of {self.ended} replies are valid calls; {self.cut} more were cut\n"
            f"held to nothing:            {self.free}\n"
            f"held to tools:              {held}\n"
            f"tools with counted strings: {counting}"
        )


async def measure(engine: OpenVINOEngine, tokenizer: Tokenizer, replies: int, tokens: int) -> Count:
    """Ask until so many replies have ended, and check each of them."""
    prompt = tokenizer.encode_with_prefix(QUESTION)
    wild = Sampling(tokens, temperature=1.9, top_p=1.0, stop_ids=tokenizer.stop_ids)
    count = Count()
    for seed in itertools.count():
        if count.ended == replies:
            break
        rng = random.Random(seed)  # noqa: S311
        tools = {f"tool_{n}": random_parameters(rng) for n in range(rng.randint(1, 3))}
        callables = tuple(CallableTool(name, json.dumps(each)) for name, each in tools.items())
        rule = CallRule(callables, must_call=True, several=False)
        counts = any("Length" in tool.parameters for tool in callables)
        times = count.counting if counts else count.held
        ids, finish = await reply(engine, prompt, replace(wild, seed=seed, calls=rule), times)
        if finish == "stop":
            count.ended += 1
            count.valid += is_valid(tokenizer, ids, tools)
        else:
            count.cut += 1
        same = Sampling(len(ids), temperature=1.9, top_p=1.0, seed=seed)
        await reply(engine, prompt, same, count.free)
    return count


def main() -> None:
    """Read the command line, open the model, measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, metavar="CONVERTED")
    parser.add_argument("--replies", type=int, default=500)
    parser.add_argument("--tokens", type=int, default=200, help="limit of a reply")
    options = parser.parse_args()
    tokenizer = Tokenizer.from_file(options.model / TOKENIZER_FILE, Family.CHATGLM3)
    engine = OpenVINOEngine.open(options.model, vocabulary=vocabulary_of(tokenizer))

    async def run() -> None:
        print(await measure(engine, tokenizer, options.replies, options.tokens))
        await engine.close()

    asyncio.run(run())


if __name__ == "__main__":
    main()
