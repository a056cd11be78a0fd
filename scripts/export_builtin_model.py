"""Write the built-in model, which ships as INT8, as a checkpoint in the published layout.

    python scripts/export_builtin_model.py DEST

The numbers are scale times integer, in float32, so nothing is lost: `glmscope convert DEST
--weights int8` makes the same integers and scales again, and this script checks that it does.
What training had beyond the INT8 numbers is not in the package and does not come back.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from safetensors.numpy import save_file

from glmscope.model.config import load_config
from glmscope.model.convert import convert
from glmscope.model.layout import TensorKind, expected_tensors
from glmscope.model.manifest import GRAPH_FILE, read_manifest
from glmscope.nano import directory as builtin_model

Array = np.ndarray[Any, np.dtype[Any]]


def read_tensors(directory: Path) -> dict[str, Array]:
    """The tensors of a directory converted to INT8 by row, float32, under their published names.

    The graph keeps no names for them, but it creates its constants in the order of the network,
    which is the order of `expected_tensors`; a matrix may be cut into several by rows.
    """
    model = ov.Core().read_model(directory / GRAPH_FILE)
    numbered = {
        int(node.get_friendly_name().partition("_")[2]): node.get_data()
        for node in model.get_ops()
        if node.get_type_name() == "Constant" and node.get_output_shape(0)
    }
    constants = [numbered[number] for number in sorted(numbered)]
    integers = iter([data for data in constants if data.dtype == np.int8])
    scales = iter([data for data in constants if data.dtype == np.float16])
    specs = expected_tensors(load_config(directory))
    lengths = {spec.shape for spec in specs.values() if spec.kind is TensorKind.PLAIN}
    vectors = iter(
        [data for data in constants if data.dtype == np.float32 and data.shape in lengths]
    )
    tensors: dict[str, Array] = {}
    for name, spec in specs.items():
        if spec.kind is TensorKind.PLAIN:
            tensors[name] = next(vectors)
            continue
        parts: list[Array] = []
        while sum(map(len, parts)) < spec.shape[0]:
            parts.append(next(integers) * next(scales).astype(np.float32))
        tensors[name] = np.concatenate(parts)
    return tensors


def export(destination: Path) -> None:
    """Write the checkpoint and check that it converts to the shipped weights.

    Raises SystemExit when the built-in model is not INT8 by row or would come out differently.
    """
    source = builtin_model()
    weights = read_manifest(source).weights
    if weights != "int8":
        raise SystemExit(f"{source} holds {weights} weights, not int8.")
    tensors = read_tensors(source)
    destination.mkdir(parents=True)
    save_file(tensors, destination / "model.safetensors", {"format": "pt"})
    shutil.copyfile(source / "tokenizer.model", destination / "tokenizer.model")
    fields = json.loads((source / "config.json").read_text(encoding="utf-8"))
    text = json.dumps({**fields, "torch_dtype": "float32"}, indent=2) + "\n"
    (destination / "config.json").write_text(text, encoding="utf-8")
    with tempfile.TemporaryDirectory() as scratch:
        convert(destination, Path(scratch) / "again", weights="int8")
        again = read_tensors(Path(scratch) / "again")
    same = [np.array_equal(again[name], tensor) for name, tensor in tensors.items()]
    if not all(same):
        raise SystemExit(f"{destination} does not convert to the weights of {source}.")


def main() -> None:
    """Read the command line and write the directory."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("destination", type=Path, metavar="DEST")
    destination: Path = parser.parse_args().destination
    if destination.exists():
        parser.error(f"{destination} exists")
    try:
        export(destination)
    except BaseException:
        shutil.rmtree(destination, ignore_errors=True)
        raise
    size = sum(file.stat().st_size for file in destination.iterdir())
    print(f"{destination}: float32, {size / 1e6:.1f} MB; converts to the shipped INT8 weights")


if __name__ == "__main__":
    main()
