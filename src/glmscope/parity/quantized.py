"""The official int8/int4 format against its golden files: bit for bit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from glmscope.model.checkpoint import Checkpoint
from glmscope.model.config import CONFIG_FILE, load_config
from glmscope.model.layout import expected_tensors, scale_name
from glmscope.model.official_quant import dequantize, dequantize_half, quantize_rows
from glmscope.model.stored_tensor import to_float32
from glmscope.model.weights import Array
from glmscope.parity.row import Row, equal


def check_quantized(case: str, directory: Path, golden: Mapping[str, Array]) -> Iterator[Row]:
    """Dequantizing gives the recorded numbers; quantizing the sibling gives the stored ones.

    The sibling is the directory that this one was quantized from: `glm3_a` for `glm3_a_int4`.
    """
    config = load_config(directory)
    if not config.is_quantized:
        return
    checkpoint = Checkpoint.open(directory)
    bits = config.quantization_bit
    for rule, expand in (("dequant_f32", dequantize), ("dequant_f16", dequantize_half)):
        names = [key.split("::")[1] for key in golden if key.startswith(f"{rule}::")]
        differing = sum(
            int((_bits(expand(*_stored(checkpoint, name), bits)) != _bits(golden[key])).sum())
            for name in names
            if (key := f"{rule}::{name}")
        )
        found = float(differing) if names else float("inf")
        yield Row(case, f"{rule} of {len(names)} matrices, bits", found, 0)
    sibling = directory.with_name(directory.name.removesuffix(f"_int{bits}"))
    if sibling == directory or not (sibling / CONFIG_FILE).is_file():
        return
    source = Checkpoint.open(sibling)
    matrices = [name for name, spec in expected_tensors(config).items() if spec.bits]
    stored = [_stored(checkpoint, name) for name in matrices]
    made = [quantize_rows(source.tensor(name).astype(np.float16), bits) for name in matrices]
    for part, label in enumerate(("weights", "scales")):
        yield equal(
            case,
            f"quantizing {sibling.name}: {label}",
            np.concatenate([_bits(pair[part]).ravel() for pair in made]),
            np.concatenate([_bits(pair[part]).ravel() for pair in stored]),
        )


def half_dequantized_checkpoint(directory: Path, destination: Path) -> Path:
    """Write the checkpoint with its matrices dequantized by the GPU rule, as plain float16."""
    config = load_config(directory)
    checkpoint = Checkpoint.open(directory)
    tensors: dict[str, Array] = {}
    for name, spec in expected_tensors(config).items():
        if name.endswith("_scale"):
            continue
        if spec.bits:
            tensors[name] = dequantize_half(*_stored(checkpoint, name), spec.bits)
        else:
            tensors[name] = to_float32(checkpoint.tensor(name), checkpoint.info(name).dtype)
    destination.mkdir(parents=True)
    save_file(tensors, destination / "model.safetensors")
    fields = json.loads((directory / CONFIG_FILE).read_text(encoding="utf-8"))
    fields["quantization_bit"] = 0
    (destination / CONFIG_FILE).write_text(json.dumps(fields), encoding="utf-8")
    return destination


def _stored(checkpoint: Checkpoint, name: str) -> tuple[Array, Array]:
    return checkpoint.tensor(name), checkpoint.tensor(scale_name(name))


def _bits(array: Array) -> Array:
    """The bit patterns, so that NaN equals NaN and 0 differs from -0."""
    return np.ascontiguousarray(array).view(f"u{array.dtype.itemsize}")
