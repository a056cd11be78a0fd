"""`--memory`: what this process promises to take at most, and KV caches that keep the promise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from glmscope.bench.memory import memory_now
from glmscope.cli.options import ModelOptions
from glmscope.engine.machine_memory import machine_memory
from glmscope.engine.memory_plan import LEAST_TOKENS, PROCESS_BYTES, MemoryNeed
from glmscope.engine.openvino import MOST_FULL_SEQUENCES, OpenVINOEngine
from glmscope.engine.pipeline import cache_tokens
from glmscope.errors import UsageError
from glmscope.model.manifest import Manifest

GIB = 2**30

_RESERVED_SHARE = 0.1
"""Of the machine's memory, or of the control group's: left to others where nothing is asked for."""


@dataclass(frozen=True)
class Promise:
    """The most that this process is to take, in bytes, and why, for people."""

    nbytes: int
    reason: str


def need_of(manifest: Manifest, options: ModelOptions) -> MemoryNeed:
    """What a network takes that is run as `options` say."""
    return MemoryNeed.of(
        manifest, fast=_is_fast(manifest, options), threads=options.threads, holds_grammars=True
    )


def plan_caches(
    manifests: Mapping[Path, Manifest], options: ModelOptions
) -> tuple[dict[Path, float | None], Promise | None]:
    """GiB of KV cache for each network, None for the default, and the promise that they keep.

    No promise is made where nothing is asked for and the system does not tell its memory, or
    where --cache-gb alone says how much.

    Raises UsageError when the networks do not fit.
    """
    needs = {directory: need_of(manifest, options) for directory, manifest in manifests.items()}
    if options.cache_gb is not None:
        return _given_caches(manifests, needs, options, options.cache_gb)
    least = PROCESS_BYTES + sum(need.at(_least(need)) for need in needs.values())
    promise = _promise(options, least)
    if promise is None:
        return dict.fromkeys(manifests), None
    _check_fits(least, promise, len(needs))
    tokens = _shared_out(list(needs.values()), promise.nbytes - PROCESS_BYTES)
    caches = {
        directory: count * need.per_token / GIB
        for (directory, need), count in zip(needs.items(), tokens, strict=True)
    }
    return dict(caches), promise


def check_promise(
    promise: Promise | None, engines: Sequence[OpenVINOEngine], options: ModelOptions
) -> None:
    """See that what was loaded leaves room for all that may still come.

    Raises UsageError where it does not: the runtime took more than was reckoned with.
    """
    now = memory_now()
    if promise is None or now is None:
        return
    needs = [(need_of(engine.manifest, options), engine.cached_tokens) for engine in engines]
    whole = now.resident + sum(need.growth(tokens) for need, tokens in needs)
    _check_fits(whole, promise, len(needs))


def _promise(options: ModelOptions, least: int) -> Promise | None:
    if options.memory is not None:
        return Promise(options.memory, "--memory promises")
    machine = machine_memory()
    if machine is None:
        return None
    usual = machine.available - int(_RESERVED_SHARE * machine.total)
    # Rather without the reserve than not at all.
    return Promise(max(usual, min(least, machine.available)), f"{machine.limit} has free")


def _given_caches(
    manifests: Mapping[Path, Manifest],
    needs: Mapping[Path, MemoryNeed],
    options: ModelOptions,
    cache_gb: float,
) -> tuple[dict[Path, float | None], Promise | None]:
    caches: dict[Path, float | None] = dict.fromkeys(manifests, cache_gb)
    if options.memory is None:
        return caches, None
    promise = Promise(options.memory, "--memory promises")
    whole = PROCESS_BYTES
    for directory, manifest in manifests.items():
        tokens = cache_tokens(manifest.config, cache_gb, _is_fast(manifest, options))
        whole += needs[directory].at(min(tokens, _most(needs[directory])))
    _check_fits(whole, promise, len(needs))
    return caches, promise


def _shared_out(needs: Sequence[MemoryNeed], nbytes: float) -> list[int]:
    """Tokens of KV cache for each: the least, and equal parts of the memory that is left then.

    What one cannot use goes to the others, in whatever order they come.
    """
    left = nbytes - sum(need.at(_least(need)) for need in needs)
    counts = [_least(need) for need in needs]
    # Who can use the least is asked first: what it leaves is known when the others are asked.
    for number, index in enumerate(sorted(range(len(needs)), key=lambda i: _usable(needs[i]))):
        need, least = needs[index], needs[index].at(counts[index])
        part = left / (len(needs) - number)
        counts[index] = max(counts[index], min(need.tokens_within(least + part), _most(need)))
        left -= need.at(counts[index]) - least
    return counts


def _check_fits(needed: int, promise: Promise, networks: int) -> None:
    if needed > promise.nbytes:
        what = "The network and its KV cache take" if networks == 1 else "The networks take"
        raise UsageError(
            f"{what} {needed / 1e9:.2f} GB, and {promise.reason} {promise.nbytes / 1e9:.2f} GB: "
            "give more with --memory, a smaller cache with --cache-gb, or smaller --weights."
        )


def _least(need: MemoryNeed) -> int:
    return min(LEAST_TOKENS, _most(need))


def _most(need: MemoryNeed) -> int:
    return MOST_FULL_SEQUENCES * need.positions


def _usable(need: MemoryNeed) -> int:
    """Bytes that it can use beyond the least cache."""
    return need.at(_most(need)) - need.at(_least(need))


def _is_fast(manifest: Manifest, options: ModelOptions) -> bool:
    return not manifest.is_exact if options.exact is None else not options.exact
