"""INT4 that knows what its matrices will multiply: GPTQ by NNCF, one block at a time.

Each block is built by itself over the published numbers, and reads what the rounded blocks before
it make of the calibration texts; what each of its matrices then multiplies, NNCF rounds it for. So
one block is in memory at a time, whatever the depth of the network, and each can make up for some
of what those before it have lost. The graph that is served is built of the integers and scales that
come out as of any others.

Needs the extra `glmscope[calibrate]`: without it, importing raises ModuleNotFoundError.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import nncf
import numpy as np
import openvino as ov
from openvino import opset15 as ops

from glmscope.errors import UsageError
from glmscope.model.checkpoint import Checkpoint
from glmscope.model.config import ModelConfig
from glmscope.model.graph import build_block
from glmscope.model.layout import WORD_EMBEDDINGS, TensorKind, expected_tensors, layer_name
from glmscope.model.matrix_store import finite
from glmscope.model.stored_tensor import to_float32
from glmscope.model.weights import Array, DenseMatrix, Matrix, Node, QuantizedMatrix, linear

GROUP_SIZE = 128
"""Columns that share a scale."""

_SAMPLE_TOKENS = 4096
"""NNCF takes the inputs of a matrix in so many rows at a time: each time costs a pass over the
square of its width."""

_EXACT = {"INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0"}


class GPTQ:
    """The int4 matrices of the blocks, to be asked for in the order of the network.

    `texts` are ids, each text a sequence of its own; `prefix_kv` is a P-Tuning v2 prefix, which
    then stands before every text. Raises UsageError for a network whose matrices cannot be cut
    into groups of GROUP_SIZE columns.
    """

    def __init__(
        self,
        config: ModelConfig,
        checkpoint: Checkpoint,
        prefix_kv: Array | None,
        texts: Sequence[Sequence[int]],
    ) -> None:
        self._config, self._checkpoint, self._prefix_kv = config, checkpoint, prefix_kv
        self._specs = {
            name: spec for name, spec in expected_tensors(config).items() if ".layers." in name
        }
        for name, spec in self._specs.items():
            if spec.kind is TensorKind.MATRIX and spec.shape[1] % GROUP_SIZE:
                raise UsageError(
                    f"--calibrate needs matrices whose columns are a multiple of {GROUP_SIZE}, and "
                    f"{name} has {spec.shape[1]}."
                )
        self._compressed: dict[str, QuantizedMatrix] = {}
        self._layer = 0
        table = checkpoint.info(WORD_EMBEDDINGS)
        embeddings = table.map()
        # [1, S, H] of each text: what the next block reads.
        self._hidden = [to_float32(embeddings[list(ids)], table.dtype)[None] for ids in texts]

    def matrix(self, name: str) -> QuantizedMatrix:
        """The matrix `name` [out, in], once.

        Raises ModelFilesError for a number that is not finite.
        """
        if not self._compressed:
            self._compress(self._layer)
            self._layer += 1
        return self._compressed.pop(name)

    def _compress(self, layer: int) -> None:
        names = self._matrices(layer)
        floats = _BlockWeights(self._checkpoint, {})
        inputs = self._inputs_of(names, build_block(self._config, floats, layer, self._prefix_kv))
        for name in names:
            self._compressed[name] = round_for(floats.given[name], inputs.pop(name))
        rounded = _BlockWeights(self._checkpoint, self._compressed)
        block = build_block(self._config, rounded, layer, self._prefix_kv)
        request = ov.Core().compile_model(block, "CPU", _EXACT).create_infer_request()
        for index, hidden in enumerate(self._hidden):
            request.infer(self._feed(hidden))
            self._hidden[index] = np.array(request.get_output_tensor().data)

    def _inputs_of(self, names: Sequence[str], block: ov.Model) -> dict[str, Array]:
        """What each matrix multiplies in `block`: [tokens of all texts, in]."""
        products = {node.get_friendly_name(): node for node in block.get_ops()}
        for name in names:
            stem = name.removesuffix(".weight")
            product = products.get(stem) or products[f"{stem}.gate"]
            product.input_value(0).add_names({name})
            block.add_outputs(product.input_value(0))
        request = ov.Core().compile_model(block, "CPU", _EXACT).create_infer_request()
        tokens = sum(hidden.shape[1] for hidden in self._hidden)
        inputs: dict[str, Array] = {
            name: np.empty((tokens, self._specs[name].shape[1]), np.float32) for name in names
        }
        start = 0
        for hidden in self._hidden:
            request.infer(self._feed(hidden))
            stop = start + hidden.shape[1]
            for name in names:
                inputs[name][start:stop] = request.get_tensor(name).data[0]
            start = stop
        return inputs

    def _matrices(self, layer: int) -> list[str]:
        start = layer_name(layer, "")
        return [
            name
            for name, spec in self._specs.items()
            if spec.kind is TensorKind.MATRIX and name.startswith(start)
        ]

    def _feed(self, hidden: Array) -> dict[str, Array]:
        """The inputs of a block's graph for a text [1, S, H]."""
        prefix = 0 if self._prefix_kv is None else int(self._prefix_kv.shape[2])
        tokens = hidden.shape[1]
        return {
            "hidden": hidden,
            "attention_mask": np.ones((1, prefix + tokens), np.int64),
            "position_ids": np.arange(tokens)[None],
        }


class _BlockWeights:
    """The `Weights` of a block: the `rounded` matrices, all else as published, in float32."""

    def __init__(self, checkpoint: Checkpoint, rounded: Mapping[str, QuantizedMatrix]) -> None:
        self._checkpoint = checkpoint
        self.given: dict[str, Matrix] = dict(rounded)

    def vector(self, name: str) -> Array:
        info = self._checkpoint.info(name)
        return finite(info, to_float32(info.map(), info.dtype))

    def matrix(self, name: str) -> Matrix:
        if name not in self.given:
            self.given[name] = DenseMatrix(self.vector(name))
        return self.given[name]


def round_for(matrix: Matrix, inputs: Array) -> QuantizedMatrix:
    """`matrix` [out, in] rounded for what it multiplies, `inputs` [tokens, in]."""
    rows, columns = matrix.shape
    x = ops.parameter(ov.PartialShape([1, -1, columns]), ov.Type.f32)
    model = ov.Model([ops.result(linear(x, matrix, name="product"))], [x], "matrix")
    samples = [
        inputs[None, start : start + _SAMPLE_TOKENS]
        for start in range(0, len(inputs), _SAMPLE_TOKENS)
    ]
    with _silence():
        model = nncf.compress_weights(
            model,
            mode=nncf.CompressWeightsMode.INT4_SYM,
            group_size=GROUP_SIZE,
            all_layers=True,  # else the last matrix, which is this one, would be int8
            gptq=True,
            dataset=nncf.Dataset(samples),
            subset_size=len(samples),
            advanced_parameters=nncf.AdvancedCompressionParameters(
                gptq_params=nncf.AdvancedGPTQParameters(subset_size=len(samples))
            ),
        )
    (product,) = (node for node in model.get_ops() if node.get_friendly_name() == "product")
    constants = {node.get_element_type(): node for node in _constants(product.input_value(1))}
    # OpenVINO packs as we do: two to a byte, the even column in the low nibble.
    packed = constants[ov.Type.i4].get_data(copy=True).view(np.uint8).reshape(rows, columns // 2)
    scales = constants[ov.Type.f16].get_data(copy=True).reshape(rows, columns // GROUP_SIZE)
    return QuantizedMatrix(packed, scales, 4)


def _constants(output: Node) -> Iterator[Node]:
    """The constants that `output` is computed from, shapes left out."""
    node = output.get_node()
    if node.get_type_name() == "Constant":
        yield node
    inputs = node.input_values()
    for value in inputs[:1] if node.get_type_name() == "Reshape" else inputs:
        yield from _constants(value)


@contextmanager
def _silence() -> Iterator[None]:
    """Keep NNCF's bars and remarks off the standard output, where results go."""
    logger = logging.getLogger("nncf")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
            yield
    finally:
        logger.setLevel(level)
