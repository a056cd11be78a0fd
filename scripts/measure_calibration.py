"""Time what `glmscope convert --calibrate` does with the matrices of one block.

    pip install 'glmscope[calibrate]'
    python scripts/measure_calibration.py SLICE --tokens 4096
    python scripts/measure_calibration.py SLICE --tokens 4096 --only mlp.dense_4h_to_h

SLICE is a checkpoint or its first layers (`synthetic_checkpoint.py --layers 1`); its shapes are
taken, numbers and inputs are random. Beside each matrix stand seconds, processor seconds and the
most memory that this process had until then, of which the matrices themselves are a part. What
moves the texts through a block, twice, is not in it.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import numpy as np

from glmscope.model.config import load_config
from glmscope.model.gptq import round_for
from glmscope.model.layout import TensorKind, expected_tensors, layer_name
from glmscope.model.weights import DenseMatrix


def main() -> None:
    """Read the command line, print a row for each matrix."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", type=Path, metavar="SLICE")
    parser.add_argument("--tokens", type=int, default=4096)
    parser.add_argument("--only", metavar="PART", help="such as mlp.dense_4h_to_h")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    print("| matrix | shape | s | processor s | memory, GB |\n| --- | --- | --- | --- | --- |")
    for name, spec in expected_tensors(load_config(options.checkpoint)).items():
        part = name.removeprefix(layer_name(0, "")).removesuffix(".weight")
        if spec.kind is not TensorKind.MATRIX or part == name.removesuffix(".weight"):
            continue
        if options.only not in (None, part):
            continue
        rows, columns = spec.shape
        matrix = DenseMatrix(rng.standard_normal((rows, columns), np.float32))
        inputs = rng.standard_normal((options.tokens, columns), np.float32)
        started, worked = time.perf_counter(), time.process_time()
        round_for(matrix, inputs)
        seconds, work = time.perf_counter() - started, time.process_time() - worked
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # of kilobytes
        print(
            f"| {part} | {rows} × {columns} | {seconds:.1f} | {work:.1f} | {memory:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
