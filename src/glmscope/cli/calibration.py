"""How fast a network is on this machine, from ten seconds beside nothing else, kept on disk."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import openvino

import glmscope
from glmscope import paths
from glmscope.bench.machine import Machine, read_bandwidth
from glmscope.bench.timing import time_decode, time_prefill
from glmscope.bench.work import NetworkWork
from glmscope.errors import UsageError
from glmscope.model.manifest import WEIGHTS_FILE

if TYPE_CHECKING:
    from glmscope.engine.openvino import OpenVINOEngine

SECONDS = 10.0
"""What a calibration may take."""

PROMPT_TOKENS = 128
STREAMS = 8

_WORTH_BYTES = 500_000_000
"""Smaller networks answer at once whatever the machine."""

_READ_BYTES = 2**27
_BRIEF, _NEW = 4, 16
"""Tokens that a stream decodes: to see how long it takes, and where there is time."""

_LONGEST = 4 * _NEW
"""Tokens that a stream may make until all others have made theirs."""

_CONTEXT = 8
_WATCH_SECONDS = 0.01


class Disturbed(Exception):  # noqa: N818 (nothing went wrong)
    """Somebody asked the network meanwhile: what was measured says little."""


@dataclass(frozen=True)
class Calibration:
    """What was measured of one network. Rates are tokens/s of all streams together."""

    one: float
    many: float
    streams: int
    """How many `many` was measured with."""
    prompt_tokens: int
    first_seconds: float
    """From a request with a prompt of that length to the first token."""
    bytes_per_second: float
    """What this machine read from memory at best."""
    step_bytes: float
    """What one step of one stream has to read."""

    @property
    def bandwidth_share(self) -> float:
        """Of what the machine reads, what one stream reached."""
        return self.one * self.step_bytes / self.bytes_per_second


def is_worth_it(engine: OpenVINOEngine) -> bool:
    """Whether anybody would have to wait for the network."""
    return engine.manifest.files[WEIGHTS_FILE].size >= _WORTH_BYTES


async def calibrate(engine: OpenVINOEngine, opening: Sequence[int]) -> Calibration:
    """Measure an idle engine, for `SECONDS` at most; its prompts begin with the ids `opening`.

    Raises Disturbed where it is not left alone or that time is not enough, and as the engine does.
    """
    try:
        return await asyncio.wait_for(_measure(engine, opening), SECONDS)
    except (asyncio.TimeoutError, UsageError):  # others took the room that it had
        raise Disturbed from None


async def _measure(engine: OpenVINOEngine, opening: Sequence[int]) -> Calibration:
    # Ids with a text of their own come before those that prompts begin with.
    size = min(opening, default=engine.manifest.config.padded_vocab_size)

    def prompt(tokens: int, number: int) -> list[int]:
        """One that no other prompt here begins with."""
        return [*opening, *((number + 7 * each) % size for each in range(tokens - len(opening)))]

    machine = Machine()
    streams = min(STREAMS, engine.fit_at_once(_CONTEXT + _LONGEST))
    tokens = min(PROMPT_TOKENS, engine.max_positions - 1)
    async with _left_alone(engine, 1):
        first_seconds = await time_prefill(engine, prompt(tokens, 0))
        brief = await time_decode(engine, [prompt(_CONTEXT, 1)], _BRIEF, _LONGEST)
        one = await time_decode(engine, [prompt(_CONTEXT, 2)], _NEW, _LONGEST)
    async with _left_alone(engine, streams):
        prompts = [prompt(_CONTEXT, 3 + number) for number in range(streams)]
        many = await time_decode(engine, prompts, _BRIEF, _LONGEST)
    read = await asyncio.to_thread(read_bandwidth, machine.cores, _READ_BYTES)
    work = NetworkWork.of(engine.manifest, engine.kv_bytes_per_token)
    return Calibration(
        one=max(one.tokens_per_second, brief.tokens_per_second),
        many=many.tokens_per_second,
        streams=streams,
        prompt_tokens=tokens,
        first_seconds=first_seconds,
        bytes_per_second=read,
        step_bytes=work.step(1, engine.manifest.prefix_length + one.context).nbytes,
    )


@contextlib.asynccontextmanager
async def _left_alone(engine: OpenVINOEngine, streams: int) -> AsyncIterator[None]:
    """Raises Disturbed when more than `streams` sequences were seen in the block."""
    disturbed = False

    async def watch() -> None:
        nonlocal disturbed
        while True:
            load = engine.load()
            disturbed = disturbed or load.running + load.waiting > streams
            await asyncio.sleep(_WATCH_SECONDS)

    watching = asyncio.ensure_future(watch())
    try:
        yield
    finally:
        watching.cancel()
    if disturbed:
        raise Disturbed


def kept_calibration(engine: OpenVINOEngine, threads: int | None) -> Calibration | None:
    """What was measured of this network on this machine with these versions, if it was."""
    kept = _kept()
    fields = kept.get(_key(engine, threads)) if kept else None
    try:
        return None if fields is None else Calibration(**fields)
    except TypeError:  # written by another version of this file
        return None


def keep(engine: OpenVINOEngine, threads: int | None, calibration: Calibration) -> None:
    """Write it down for the next start; a directory that cannot be written is no reason to fail."""
    with contextlib.suppress(OSError):
        paths.make_data_dir()
        kept = {**_kept(), _key(engine, threads): asdict(calibration)}
        path = paths.calibrations_path()
        partial = path.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        partial.replace(path)


def _kept() -> dict[str, dict[str, Any]]:
    try:
        fields = json.loads(paths.calibrations_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return fields if isinstance(fields, dict) else {}


def _key(engine: OpenVINOEngine, threads: int | None) -> str:
    machine = Machine()
    facts = (
        machine.processor,
        machine.cores,
        threads,
        engine.manifest.files[WEIGHTS_FILE].sha256,
        engine.kv_bytes_per_token,
        glmscope.__version__,
        openvino.__version__,
    )
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
