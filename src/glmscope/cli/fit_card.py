"""What fits and how fast it is: the part of the start card that tells of networks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from threading import Thread
from typing import TYPE_CHECKING

from glmscope.bench.work import NetworkWork
from glmscope.cli.calibration import (
    Calibration,
    Disturbed,
    calibrate,
    is_worth_it,
    keep,
    kept_calibration,
)
from glmscope.cli.memory import need_of
from glmscope.cli.options import ModelOptions
from glmscope.engine.memory_plan import PROCESS_BYTES, cores
from glmscope.engine.openvino import OpenVINOEngine
from glmscope.errors import GLMScopeError

if TYPE_CHECKING:
    from glmscope.chat.service import ServedModel

_SHORT = 2048
"""Tokens of a conversation as most are, beside the longest."""

_INT4_BITS = 4 + 16 / 128
_GOOD_SHARE = 0.5


class FitCard:
    """How many conversations the memory holds, and what the speed of the networks is."""

    def __init__(
        self, models: Sequence[ServedModel], options: ModelOptions, tell: Callable[[str], None]
    ) -> None:
        """`tell` gets the lines that are not known when the card is shown."""
        self._networks = _networks(models)
        self._options = options
        self._tell = tell
        self._thread: Thread | None = None

    def lines(self) -> Iterator[str]:
        """What is known."""
        options = self._options
        whole = PROCESS_BYTES + sum(
            need_of(engine.manifest, options).at(engine.cached_tokens)
            for _, engine in self._networks
        )
        for model, engine in self._networks:
            sizes = sorted({model.limits.context, min(_SHORT, model.limits.context)}, reverse=True)
            held = ", or ".join(f"{size} tokens × {engine.fit_at_once(size)}" for size in sizes)
            yield f"  Within {whole / 1e9:.1f} GB of memory {model.id} holds {held} at once."
            if calibration := kept_calibration(engine, options.threads):
                yield from speed_lines(model.id, engine, options, calibration)

    def calibrate(self, *, again: bool) -> None:
        """Measure in the background what is not known; `again`: everything.

        Networks that answer at once on every machine are left out unless it is `again`.
        """
        todo = [
            (model, engine)
            for model, engine in self._networks
            if again
            or (is_worth_it(engine) and kept_calibration(engine, self._options.threads) is None)
        ]
        if todo:
            self._thread = Thread(target=self._measure, args=(todo,), name="calibrate", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Wait until nothing is measured any more; to be called when the engines are closed."""
        if self._thread is not None:
            self._thread.join()

    def _measure(self, todo: Sequence[tuple[ServedModel, OpenVINOEngine]]) -> None:
        for model, engine in todo:
            try:
                calibration = asyncio.run(calibrate(engine, model.tokenizer.prefix_ids))
            except Disturbed:
                self._tell(f"  The speed of {model.id} was not measured: it was asked, or is slow.")
            except GLMScopeError:  # the engine was closed
                return
            else:
                keep(engine, self._options.threads, calibration)
                for line in speed_lines(model.id, engine, self._options, calibration):
                    self._tell(line)


def speed_lines(
    name: str, engine: OpenVINOEngine, options: ModelOptions, measured: Calibration
) -> Iterator[str]:
    """What a calibration says, and the one change that would help most."""
    yield (
        f"  {name}: {measured.one:.1f} tokens/s for one reply, {measured.many:.1f} for "
        f"{measured.streams} together; the first after {measured.first_seconds:.1f} s for a prompt "
        f"of {measured.prompt_tokens} tokens."
    )
    yield (
        f"  One reply reads {measured.one * measured.step_bytes / 1e9:.1f} GB/s, "
        f"{measured.bandwidth_share:.0%} of what this machine reads. "
        f"{advice(engine, options, measured)}"
    )


def advice(engine: OpenVINOEngine, options: ModelOptions, measured: Calibration) -> str:
    """The one change that would help most, as a sentence."""
    manifest = engine.manifest
    if not is_worth_it(engine):
        return "It answers at once."
    if engine.max_positions < manifest.config.seq_length:
        need = need_of(manifest, options)
        wanted = (PROCESS_BYTES + need.at(need.positions)) / 1e9
        return (
            f"--memory {wanted:.1f}GB would hold the network's whole context of "
            f"{manifest.config.seq_length} tokens."
        )
    int4_bytes = _int4_step_bytes(engine)
    if manifest.weights in ("fp32", "fp16", "int8") and int4_bytes < measured.step_bytes:
        return (
            f"--weights int4 would read {int4_bytes / 1e9:.2f} GB a step instead of "
            f"{measured.step_bytes / 1e9:.2f}."
        )
    if options.threads is not None and options.threads < cores():
        return f"--threads {cores()} would use every core."
    if measured.bandwidth_share < _GOOD_SHARE:
        return "More or less busy cores would help most."
    return "Faster memory would help most; replies side by side share what is read."


def _int4_step_bytes(engine: OpenVINOEngine) -> float:
    """What a step of one stream would read with INT4 weights."""
    config = engine.manifest.config
    work = NetworkWork.of(engine.manifest, engine.kv_bytes_per_token)
    layers = work.layer_operations / 2 * _INT4_BITS / 8
    return layers + config.padded_vocab_size * config.hidden_size


def _networks(models: Sequence[ServedModel]) -> list[tuple[ServedModel, OpenVINOEngine]]:
    """Each network once, with the first of its ids."""
    found: dict[int, tuple[ServedModel, OpenVINOEngine]] = {}
    for model in models:
        if isinstance(model.engine, OpenVINOEngine):
            found.setdefault(id(model.engine), (model, model.engine))
    return list(found.values())
