"""How much sooner a conversation's next turn begins with the prefix cache, and what that costs.

    python scripts/measure_prefix_cache.py chatglm3-6b-int4 --tokens 8000
    python scripts/measure_prefix_cache.py src/glmscope/nano/model --tokens 1900 --decode 20
    python scripts/measure_prefix_cache.py chatglm3-6b-int4 --shared 1024

The first turn of a conversation is read and answered in one scope. The second turn, `--tokens` ids
with what came before, is then asked in the same scope and, as a key that has not seen any of it
would have to, in another one. Ids are random, since what they say makes no difference to time.
With `--decode N` the cost for each token of a reply is measured as well: N replies with a cache and
N without, in turn. With `--shared N` instead two keys ask behind a system prompt of N ids that all
keys share.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from glmscope.cli.vocabulary import vocabulary_of
from glmscope.engine.engine import Sampling
from glmscope.engine.openvino import OpenVINOEngine
from glmscope.model.manifest import TOKENIZER_FILE, read_manifest
from glmscope.text.tokenizer import Tokenizer

ANSWER, QUESTION, DECODED = 32, 64, 128
"""Ids of an answer and of a second question; ids of a reply that is timed."""

Prompt = tuple[int, ...]


async def reply(
    engine: OpenVINOEngine, prompt: Prompt, scope: str | None, length: int = ANSWER
) -> tuple[float, float, Prompt]:
    """Seconds to the first id, seconds for each one after it, and the ids."""
    ids: list[int] = []
    first = 0.0
    begun = time.perf_counter()
    async for step in engine.generate(prompt, Sampling(length, temperature=0.0, cache_scope=scope)):
        ids += step.ids
        first = first or time.perf_counter() - begun
    return first, (time.perf_counter() - begun - first) / (length - 1), tuple(ids)


def some(tokenizer: Tokenizer, count: int, seed: int) -> Prompt:
    """Ids of any text."""
    drawn = random.Random(seed)  # noqa: S311 -- nothing depends on what the ids are
    return tuple(drawn.randrange(3, tokenizer.piece_count) for _ in range(count))


async def warm_up(engine: OpenVINOEngine, tokenizer: Tokenizer) -> None:
    """So that no code is compiled later on."""
    await reply(engine, (*tokenizer.prefix_ids, *some(tokenizer, 300, 0)), None)


async def measure_turns(engine: OpenVINOEngine, tokenizer: Tokenizer, tokens: int) -> None:
    """The second turn by the key that had the first one, and by another."""
    await warm_up(engine, tokenizer)
    before = tokens - ANSWER - QUESTION
    first_turn = (*tokenizer.prefix_ids, *some(tokenizer, before - 2, 1))
    opening, _, answer = await reply(engine, first_turn, "first key")
    print(f"first turn, {before} ids: first token after {opening:.2f} s", flush=True)
    second_turn = first_turn + answer + some(tokenizer, QUESTION, 2)
    cached, _, own = await reply(engine, second_turn, "first key")
    print(f"second turn, {tokens} ids, the same key: after {cached:.3f} s", flush=True)
    read, _, others = await reply(engine, second_turn, "second key")
    print(f"second turn, {tokens} ids, another key: after {read:.2f} s")
    same = sum(one == other for one, other in zip(own, others, strict=True))
    print(f"{read / cached:.0f} times sooner; {same} of {ANSWER} ids of the answer are the same")


async def measure_shared(engine: OpenVINOEngine, tokenizer: Tokenizer, beginning: Prompt) -> None:
    """A question behind a shared beginning: by the first key that uses it, and by others."""
    await warm_up(engine, tokenizer)
    times: dict[str, float] = {}
    for seed, key in enumerate(("first key", "second key", "third key"), start=2):
        prompt = beginning + some(tokenizer, QUESTION, seed)
        times[key], _, _ = await reply(engine, prompt, key)
        print(
            f"{len(beginning)} shared ids, {QUESTION} own, {key}: first token after "
            f"{times[key]:.3f} s",
            flush=True,
        )
    print(f"{times['first key'] / times['second key']:.0f} times sooner")


async def measure_decoding(
    plain: OpenVINOEngine, caching: OpenVINOEngine, tokenizer: Tokenizer, rounds: int
) -> None:
    """Replies of both engines in turn, to the same short prompt."""
    tokens: dict[str, list[float]] = {"without": [], "with": []}
    prompt = (*tokenizer.prefix_ids, *tokenizer.encode("杭州在哪里？"))
    for number in range(rounds):
        for name, engine in (("without", plain), ("with", caching)):
            _, between, _ = await reply(engine, prompt, f"{number}", DECODED)
            tokens[name].append(between)
    without, with_cache = (statistics.median(times) for times in tokens.values())
    print(
        f"a token of a reply: {without * 1e3:.3f} ms without the cache, "
        f"{with_cache * 1e3:.3f} ms with it, {with_cache / without:.3f} times"
    )


def opened(
    arguments: argparse.Namespace, tokenizer: Tokenizer, cache: bool, shared: Sequence[Prompt] = ()
) -> OpenVINOEngine:
    """The model, with how long it took to load."""
    begun = time.perf_counter()
    engine = OpenVINOEngine.open(
        arguments.model,
        cache_gb=arguments.cache_gb,
        prefix_cache=cache,
        vocabulary=vocabulary_of(tokenizer),
        shared=shared,
    )
    print(f"loaded {'with' if cache else 'without'} in {time.perf_counter() - begun:.2f} s")
    return engine


async def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="a converted model")
    parser.add_argument("--tokens", type=int, default=8000, help="of the second turn's prompt")
    parser.add_argument("--cache-gb", type=float, default=1.0)
    parser.add_argument("--decode", type=int, default=0, metavar="N", help="replies to be timed")
    parser.add_argument("--shared", type=int, default=0, metavar="N", help="of a system prompt")
    arguments = parser.parse_args()
    family = read_manifest(arguments.model).family
    tokenizer = Tokenizer.from_file(arguments.model / TOKENIZER_FILE, family)
    if arguments.shared:
        beginning = (*tokenizer.prefix_ids, *some(tokenizer, arguments.shared - 2, 1))
        engine = opened(arguments, tokenizer, cache=True, shared=[beginning])
        await measure_shared(engine, tokenizer, beginning)
        await engine.close()
        return
    engine = opened(arguments, tokenizer, cache=True)
    await measure_turns(engine, tokenizer, arguments.tokens)
    if arguments.decode:
        plain = opened(arguments, tokenizer, cache=False)
        await measure_decoding(plain, engine, tokenizer, arguments.decode)
        await plain.close()
    await engine.close()


if __name__ == "__main__":
    asyncio.run(main())
