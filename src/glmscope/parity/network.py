"""A converted model run step by step through OpenVINO in float32, its inside visible."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openvino as ov

from glmscope.model.manifest import GRAPH_FILE, Manifest, read_manifest
from glmscope.model.weights import Array

EXACT = {
    "INFERENCE_PRECISION_HINT": "f32",
    "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0",
    "KV_CACHE_PRECISION": "f32",
}


@dataclass(frozen=True)
class Pass:
    """What one run over S new tokens gave, for real tokens only: a prefix is left out.

    `logits` [B, S, V], `hidden` [layers + 1, B, S, H] (embedding, then every block),
    `final_hidden` [B, S, H] (after the final norm).
    """

    logits: Array
    hidden: Array
    final_hidden: Array


class Network:
    """The graph of a converted directory with its stateful cache; a prefix is fed by itself."""

    def __init__(self, directory: Path) -> None:
        self.manifest: Manifest = read_manifest(directory)
        self.config = self.manifest.config
        core = ov.Core()
        model = core.read_model(directory / GRAPH_FILE)
        nodes = {node.get_friendly_name(): node for node in model.get_ops()}
        self._outputs = [f"hidden.{index}" for index in range(self.config.num_layers + 1)]
        # Without a final norm the last block's output is the final one.
        self._outputs.append("hidden.final" if self.config.post_layer_norm else self._outputs[-1])
        for name in dict.fromkeys(self._outputs):
            node = nodes[name].output(0)
            node.set_names({name})
            model.add_outputs(node)
        self._request = core.compile_model(model, "CPU", EXACT).create_infer_request()
        self._mask = np.empty((0, 0), np.int64)

    def start(self, batch: int = 1) -> None:
        """Empty the cache, and read the prefix if the model has one."""
        self._request.reset_state()
        self._mask = np.empty((batch, 0), np.int64)
        length = self.manifest.prefix_length
        if length:
            first = self.config.padded_vocab_size
            ids = np.tile(np.arange(first, first + length), (batch, 1))
            self._infer(ids, np.tile(np.arange(length), (batch, 1)), np.ones_like(ids))

    def feed(self, ids: Array, positions: Array, mask: Array | None = None) -> Pass:
        """Run new tokens [B, S] on top of the cache; `mask` [B, S] is 0 on pads."""
        mask = np.ones_like(ids) if mask is None else mask
        self._infer(ids, positions + self.manifest.prefix_length, mask)
        outputs = [np.array(self._request.get_tensor(name).data) for name in self._outputs]
        # Prefix models have one logit more for each virtual id, and none of them is a real token.
        logits = np.array(self._request.get_tensor("logits").data)
        vocabulary = self.config.padded_vocab_size
        return Pass(logits[:, :, :vocabulary], np.stack(outputs[:-1]), outputs[-1])

    def cache(self) -> Array:
        """Keys and values of every token so far: [layers, 2, T, B, G, d], keys rotated."""
        states = {state.name: state.state.data for state in self._request.query_state()}
        kinds = ("key", "value")
        layers = [
            np.stack([states[f"past_key_values.{i}.{kind}present.{i}.{kind}"] for kind in kinds])
            for i in range(self.config.num_layers)
        ]
        stacked: Array = np.stack(layers)  # [layers, 2, B, G, T, d]
        return np.moveaxis(stacked, 4, 2)

    def _infer(self, ids: Array, positions: Array, mask: Array) -> None:
        self._mask = np.concatenate([self._mask, mask], axis=1)
        self._request.infer(
            {
                "input_ids": ids,
                "attention_mask": self._mask,
                "position_ids": positions,
                "beam_idx": np.arange(len(ids), dtype=np.int32),
            }
        )
