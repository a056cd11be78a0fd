"""From a published checkpoint to a directory that the serving engine opens.

Tensors stream one by one into a mapped scratch file, the graph is built over it and written out.
Everything happens in a directory beside the destination, which is renamed when it is complete: a
destination either does not exist or is whole, whenever the process is killed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import openvino as ov
from filelock import FileLock, Timeout

import glmscope
from glmscope.errors import ModelFilesError, UsageError
from glmscope.family import Family
from glmscope.model.calibration import Calibration
from glmscope.model.checkpoint import Checkpoint
from glmscope.model.config import CONFIG_FILE, ModelConfig, load_config
from glmscope.model.converted_weights import WEIGHT_FORMATS, Calibrator, ConvertedWeights
from glmscope.model.graph import build_graph
from glmscope.model.manifest import (
    GRAPH_FILE,
    TOKENIZER_FILE,
    WEIGHTS_FILE,
    ListedFile,
    Manifest,
    is_converted,
    read_manifest,
)
from glmscope.model.prefix import load_prefix

__all__ = ["WEIGHT_FORMATS", "convert", "is_converted", "read_manifest"]

Progress = Callable[[int, int], None]

_PREFIX = "prefix/"  # before the names of a separate prefix's files; no file name holds a slash
_COPIED = (CONFIG_FILE, TOKENIZER_FILE, "tokenizer_config.json")


def convert(
    source: Path,
    destination: Path,
    *,
    weights: str = "int4",
    family: Family | None = None,
    prefix: Path | None = None,
    calibration_texts: Sequence[Sequence[int]] | None = None,
    progress: Progress | None = None,
) -> Manifest:
    """Convert the checkpoint in `source` and return the manifest of `destination`.

    `weights` is a key of WEIGHT_FORMATS; matrices that are stored in the official int8/int4 format
    are carried over as they are, and then everything else is too. `prefix` names a directory with
    a P-Tuning v2 prefix. With `calibration_texts`, the ids of one text or more, int4 is rounded by
    what the network does with them (`gptq.py`). `progress(done, total)` counts source bytes,
    read twice: once to convert, once to hash. A destination that already holds this is left alone.

    Raises UsageError for an unknown format, for calibration texts with another format than int4,
    with official integers or without NNCF, and for a destination that is something else,
    ModelFilesError (naming file and tensor) for a checkpoint that cannot be used, and for a
    destination that cannot be written.
    """
    if weights not in WEIGHT_FORMATS:
        raise UsageError(f"--weights takes {', '.join(WEIGHT_FORMATS)}, not {weights!r}.")
    config = load_config(source, family)
    calibration = _calibration(weights, calibration_texts)
    destination = destination.resolve()  # the directory itself, not a link to it, is replaced
    try:
        with _lock(destination):
            if is_converted(destination):
                return _existing(destination, weights, config, prefix, calibration)
            if destination.exists() and not _is_empty(destination):
                raise UsageError(
                    f"{destination} exists and is no converted model; nothing was done."
                )
            checkpoint = Checkpoint.open(source)
            checkpoint.verify(config)
            partial = destination.with_name(f".{destination.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)  # what an interrupted run left
            partial.mkdir(parents=True)
            try:
                run = _Conversion(
                    source,
                    partial,
                    config,
                    checkpoint,
                    weights,
                    prefix,
                    calibration_texts,
                    progress,
                )
                manifest = run.run(calibration)
                _replace(partial, destination)
            except BaseException:
                shutil.rmtree(partial, ignore_errors=True)
                raise
    except OSError as error:
        raise ModelFilesError(f"{destination} cannot be written: {error.strerror}.") from None
    return manifest


def _is_empty(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _calibration(weights: str, texts: Sequence[Sequence[int]] | None) -> Calibration | None:
    """What the manifest will say; raises UsageError where calibration cannot be had."""
    if texts is None:
        return None
    if weights != "int4":
        raise UsageError(f"--calibrate goes with --weights int4, not {weights}.")
    if not texts:
        raise UsageError("There is no text to calibrate on.")
    if find_spec("nncf") is None:
        raise UsageError("--calibrate needs NNCF: pip install 'glmscope[calibrate]' installs it.")
    return Calibration.on("gptq", texts)


def _existing(
    destination: Path,
    weights: str,
    config: ModelConfig,
    prefix: Path | None,
    calibration: Calibration | None,
) -> Manifest:
    manifest = read_manifest(destination)
    known = {name: digest for name, digest in manifest.sources.items() if _PREFIX in name}
    if manifest.config != config or known != _prefix_sources(prefix):
        raise UsageError(
            f"{destination} was converted from another checkpoint or prefix: name another "
            "destination, or remove it first."
        )
    if manifest.weights != weights and not manifest.weights.startswith("official"):
        raise UsageError(
            f"{destination} holds {manifest.weights} weights already, not {weights}: name another "
            "destination, or remove it first."
        )
    if manifest.calibration != calibration:
        found = "was not calibrated" if manifest.calibration is None else "was calibrated otherwise"
        raise UsageError(f"{destination} {found}: name another destination, or remove it first.")
    return manifest


def _prefix_sources(directory: Path | None) -> dict[str, str]:
    digests = {} if directory is None else Checkpoint.open(directory).sha256()
    return {_PREFIX + name: digest for name, digest in digests.items()}


class _Conversion:
    """One run."""

    def __init__(
        self,
        source: Path,
        target: Path,
        config: ModelConfig,
        checkpoint: Checkpoint,
        weights: str,
        prefix: Path | None,
        calibration_texts: Sequence[Sequence[int]] | None,
        progress: Progress | None,
    ) -> None:
        self.source, self.target = source, target
        self.config, self.checkpoint = config, checkpoint
        self.prefix_kv = load_prefix(config, checkpoint, prefix)
        self.prefix_sources = _prefix_sources(prefix)
        self.progress = progress
        self.done = 0
        self.scratch = target / "weights.scratch"
        self.calibration_texts = calibration_texts
        self.weights = ConvertedWeights(
            checkpoint,
            config,
            weights,
            self.scratch,
            self._advance,
            None if calibration_texts is None else self._calibrator,
        )

    def run(self, calibration: Calibration | None) -> Manifest:
        try:
            model = build_graph(self.config, self.weights, prefix_kv=self.prefix_kv)
            _serialize(model, self.target)
            del model
        finally:
            self.weights.close()
        self.scratch.unlink()
        for name in _COPIED:
            if (self.source / name).is_file():
                shutil.copyfile(self.source / name, self.target / name)
        sources = self.checkpoint.sha256(self._advance)
        manifest = Manifest(
            family=self.config.family,
            weights=self.weights.weights,
            group_size=self.weights.group_size,
            prefix_length=0 if self.prefix_kv is None else int(self.prefix_kv.shape[2]),
            config=self.config,
            sources={**sources, **self.prefix_sources},
            files={file.name: ListedFile.of(file) for file in sorted(self.target.iterdir())},
            versions={
                "glmscope": glmscope.__version__,
                "openvino": version("openvino"),
                **({} if calibration is None else {"nncf": version("nncf")}),
            },
            calibration=calibration,
        )
        manifest.write(self.target)
        self._advance(2 * self.checkpoint.nbytes - self.done)  # headers were not counted
        return manifest

    def _calibrator(self) -> Calibrator:
        from glmscope.model.gptq import GPTQ  # NNCF is not everywhere, and takes seconds

        texts = self.calibration_texts or ()
        return GPTQ(self.config, self.checkpoint, self.prefix_kv, texts)

    def _advance(self, nbytes: int) -> None:
        self.done += nbytes
        if self.progress:
            total = 2 * self.checkpoint.nbytes
            self.progress(min(self.done, total), total)


@contextmanager
def _lock(destination: Path) -> Iterator[None]:
    """Keep a second process from converting to the same place at the same time."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    path = destination.with_name(f".{destination.name}.lock")
    try:
        with FileLock(path, timeout=0):
            yield
    except Timeout:
        raise ModelFilesError(
            f"Another process is converting to {destination}; wait until it is done."
        ) from None


def _serialize(model: ov.Model, directory: Path) -> None:
    try:
        ov.serialize(model, directory / GRAPH_FILE, directory / WEIGHTS_FILE)
    except RuntimeError:  # the runtime's stream errors do not say which
        free = shutil.disk_usage(directory).free / 1e9
        raise ModelFilesError(
            f"{directory / WEIGHTS_FILE} cannot be written: {free:.1f} GB are free there, and a "
            "conversion needs room for twice its result."
        ) from None


def _replace(partial: Path, destination: Path) -> None:
    """Make the finished directory visible under its name, on disk before it is visible."""
    for file in partial.iterdir():
        with file.open("rb") as handle:
            os.fsync(handle.fileno())
    if destination.exists():
        destination.rmdir()
    partial.rename(destination)
