"""Compare weight formats by what they do to a network, and to matrices with outliers.

    python scripts/export_builtin_model.py nano      # or any checkpoint in the published layout
    python scripts/measure_quantization.py nano
    python scripts/measure_quantization.py nano --calibration FILE.jsonl --graph NAME=FILE.xml
    python scripts/measure_quantization.py --matrices
    python scripts/measure_quantization.py --speed

With a CHECKPOINT, its matrices are rounded by each rule in turn and the network is run in float32
over whole dialogues. Against the network of the unrounded matrices stand: perplexity of what the
assistant says, Kullback-Leibler divergence of the next-token distributions, and how often the most
likely next token is the same; the latter two over the assistant's tokens and over all. `--graph`
adds a network that something else has compressed; `--calibration` adds the rules that want to know
the inputs of each matrix, taken from the dialogues in that file.

`--matrices` measures the error of products of random matrices with activations that have outlier
channels, `--speed` what rounding takes in rows of the 6B's widths.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openvino as ov

from glmscope.evaluate.checks import BUILT_IN, HELD_OUT
from glmscope.model.checkpoint import Checkpoint
from glmscope.model.config import load_config
from glmscope.model.graph import build_graph
from glmscope.model.quantize import extreme_scales, quantize, searched_scales
from glmscope.model.stored_tensor import to_float32
from glmscope.model.weights import DenseMatrix
from glmscope.parity.network import EXACT
from glmscope.text.tokenizer import Tokenizer
from quantization_dialogues import Dialogues
from quantization_rules import Format, Matrix, layer_norm_of, round_trip, with_feedback

AS_SERVED = {**EXACT, "DYNAMIC_QUANTIZATION_GROUP_SIZE": "128"}
FORMATS = [
    Format("official", None),
    *(
        Format(rule, group)
        for group in (None, 128, 64, 32)
        for rule in ("absmax", "extreme", "search", "asymmetric")
    ),
    Format("asymmetric search", 128),
    Format("search plainly", 128),
    Format("search by columns", 128),
    Format("search", 128, "search"),
    Format("search", 128, "int8"),
]


Rounding = Callable[[str, Matrix], Matrix]


@dataclass
class Rounded:
    """The `Weights` of a graph: the checkpoint's, its matrices rounded and back in float32."""

    checkpoint: Checkpoint
    rounding: Rounding | None

    def __post_init__(self) -> None:
        self.kept: list[DenseMatrix] = []
        self.lost = self.whole = 0.0

    def vector(self, name: str) -> Matrix:
        """A norm weight or bias."""
        info = self.checkpoint.info(name)
        return to_float32(info.map(), info.dtype)

    def matrix(self, name: str) -> DenseMatrix:
        """A matrix after rounding; adds to the squares lost in the layers."""
        weight = self.vector(name)
        rounded = weight if self.rounding is None else self.rounding(name, weight)
        if ".layers." in name:
            self.lost += float(np.square(rounded - weight, dtype=np.float64).sum())
            self.whole += float(np.square(weight, dtype=np.float64).sum())
        self.kept.append(DenseMatrix(np.ascontiguousarray(rounded, np.float32)))
        return self.kept[-1]


class Comparison:
    """The rows of one checkpoint."""

    def __init__(self, directory: Path, count: int | None) -> None:
        self.config = load_config(directory)
        self.checkpoint = Checkpoint.open(directory)
        vocabulary = (directory / "tokenizer.model").read_bytes()
        self.tokenizer = Tokenizer(vocabulary, self.config.family)
        self.dialogues = self.read(BUILT_IN / f"{HELD_OUT}.jsonl", count)

    def read(self, path: Path, count: int | None = None) -> Dialogues:
        """The first `count` dialogues of a file, one a line; all without a count."""
        return Dialogues(self.tokenizer, path.read_text(encoding="utf-8").splitlines()[:count])

    def start(self) -> None:
        """Print the heads of the table, and what all else is compared with."""
        count, said = (sum(map(len, part)) for part in zip(*self.dialogues.each, strict=True))
        print(f"{len(self.dialogues.each)} dialogues: {count} tokens, {said} the assistant's\n")
        print("| weights | bits | error | perplexity | KL, said | same | KL, all | same |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- |")
        weights = Rounded(self.checkpoint, None)
        model = build_graph(self.config, weights)
        self.dialogues.reference = list(self.dialogues.log_probabilities(model, EXACT))
        print(f"| as stored | | | {self.dialogues.row(self.dialogues.reference)} |", flush=True)

    def row(self, name: str, bits: float, rounding: Rounding) -> None:
        """Print the row of a rule."""
        weights = Rounded(self.checkpoint, rounding)
        model = build_graph(self.config, weights)
        cells = self.dialogues.row(self.dialogues.log_probabilities(model, EXACT))
        error = 100 * np.sqrt(weights.lost / weights.whole)
        print(f"| {name} | {bits:.2f} | {error:.2f} % | {cells} |", flush=True)

    def format_row(self, format_: Format) -> None:
        """Print the row of a rule that looks at the weights alone, or at norms beside them."""

        def rounding(name: str, weight: Matrix) -> Matrix:
            norm = layer_norm_of(name)
            importance = None
            if norm is not None:
                info = self.checkpoint.info(norm)
                importance = to_float32(info.map(), info.dtype) ** 2
            return round_trip(weight, format_, ".layers." in name, importance)

        self.row(format_.name, format_.bits, rounding)

    def calibrated_rows(self, path: Path) -> None:
        """Print the rows of rules that know the inputs of the unrounded matrices."""
        weights = Rounded(self.checkpoint, None)
        model = build_graph(self.config, weights)
        moments = self.read(path).second_moments(model, self.config)
        by_input = Format("search by columns", 128)
        rules: dict[str, Callable[[Matrix, Matrix], Matrix]] = {
            "search by inputs": lambda w, m: round_trip(w, by_input, True, np.diag(m)),
            "GPTQ": lambda w, m: with_feedback(w, 128, m, 0.01),
        }
        for name, rule in rules.items():

            def rounding(
                name: str, weight: Matrix, rule: Callable[[Matrix, Matrix], Matrix] = rule
            ) -> Matrix:
                return rule(weight, moments[name]) if ".layers." in name else weight

            self.row(f"{name} / 128", by_input.bits, rounding)

    def graph_rows(self, graph: str) -> None:
        """Print the rows of a compressed graph, exactly and as a server runs INT4."""
        name, _, path = graph.partition("=")
        for title, properties in ((name, EXACT), (f"{name}, activations int8", AS_SERVED)):
            found = self.dialogues.log_probabilities(ov.Core().read_model(path), properties)
            print(f"| {title} | | | {self.dialogues.row(found)} |", flush=True)


def measure_network(options: argparse.Namespace, formats: list[Format]) -> None:
    """Print a row for each format, calibrated rule and graph."""
    comparison = Comparison(options.checkpoint, options.dialogues)
    comparison.start()
    for format_ in formats:
        comparison.format_row(format_)
    if options.calibration:
        comparison.calibrated_rows(options.calibration)
    for graph in options.graph:
        comparison.graph_rows(graph)


KINDS = ("Gaussian", "heavy tails", "outliers elsewhere", "outliers in the same channels")


def _product(
    kind: str, rng: np.random.Generator, rows: int, columns: int
) -> tuple[Matrix, Matrix, Matrix]:
    """A matrix [out, in], activations [tokens, in], and the energy of their channels."""
    channels = rng.permutation(columns)
    few = columns // 200
    energy = np.ones(columns, np.float32)
    energy[channels[:few]] = 30**2
    weight = rng.standard_normal((rows, columns), np.float32)
    if kind == "heavy tails":  # Student's t with 4 degrees of freedom
        weight = rng.standard_t(4, (rows, columns)).astype(np.float32)
    if kind == "outliers elsewhere":
        weight[:, channels[few : 2 * few]] *= 8
    if kind == "outliers in the same channels":
        weight[:, channels[:few]] *= 8
    return weight, rng.standard_normal((256, columns), np.float32) * np.sqrt(energy), energy


def measure_matrices(formats: list[Format], rows: int = 1024, columns: int = 4096) -> None:
    """Print the relative error of outputs; one channel in 200 of the activations is 30 times."""
    print("| weights |", " | ".join(KINDS), "|\n| --- | --- | --- | --- | --- |")
    cases = [_product(kind, np.random.default_rng(0), rows, columns) for kind in KINDS]
    for format_ in formats:
        if format_.vocabulary != "float":
            continue
        cells = []
        for weight, x, energy in cases:
            lost = x @ (round_trip(weight, format_, True, energy) - weight).T
            cells.append(f"{100 * np.linalg.norm(lost) / np.linalg.norm(x @ weight.T):.2f} %")
        print(f"| {format_.name} |", " | ".join(cells), "|", flush=True)


def measure_speed(rows: int = 1024, group: int = 128) -> None:
    """Print processor time of the rules that conversion uses: other work counts little in it."""
    for columns in (4096, 13696):
        weight = np.random.default_rng(0).standard_normal((rows, columns), np.float32)
        plain = _nanoseconds(weight, lambda part: extreme_scales(part, 4, group))
        search = _nanoseconds(weight, lambda part: searched_scales(part, group))
        whole = _nanoseconds(weight, lambda part: quantize(part, 4, group))
        print(
            f"rows of {columns}: processor ns a number for scales that clip nothing {plain:.1f}, "
            f"searched {search:.1f}, searched and rounded {whole:.1f}; for the 5.7e9 of a 6B's "
            f"layers {5.7 * whole:.0f} s, {5.7 * (search - plain):.0f} s of them for the search",
            flush=True,
        )


def _nanoseconds(weight: Matrix, work: Callable[[Matrix], object], rounds: int = 3) -> float:
    """What a number takes in blocks of rows, on one core; the least of `rounds`."""
    blocks = [weight[start : start + 128] for start in range(0, len(weight), 128)]
    least = np.inf
    for _ in range(rounds):
        started = time.process_time()
        for block in blocks:
            work(block)
        least = min(least, time.process_time() - started)
    return 1e9 * least / weight.size


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", type=Path, nargs="?", metavar="CHECKPOINT")
    parser.add_argument("--dialogues", type=int, metavar="N", help="the first N alone")
    parser.add_argument("--calibration", type=Path, metavar="FILE.jsonl", help="dialogues")
    parser.add_argument("--graph", action="append", default=[], metavar="NAME=FILE.xml")
    names = [format_.name for format_ in FORMATS]
    parser.add_argument("--only", nargs="*", choices=names, metavar="NAME", help="; ".join(names))
    parser.add_argument("--matrices", action="store_true")
    parser.add_argument("--speed", action="store_true")
    options = parser.parse_args()
    chosen = [each for each in FORMATS if options.only is None or each.name in options.only]
    if options.checkpoint:
        measure_network(options, chosen)
    if options.matrices:
        measure_matrices(chosen)
    if options.speed:
        measure_speed()
    if not (options.checkpoint or options.matrices or options.speed):
        parser.error("name a CHECKPOINT, --matrices or --speed")


if __name__ == "__main__":
    main()
