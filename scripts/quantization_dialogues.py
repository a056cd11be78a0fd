"""Whole dialogues that a network reads, for `measure_quantization.py`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import numpy as np
import openvino as ov

from glmscope.model.config import ModelConfig
from glmscope.model.layout import TensorKind, expected_tensors
from glmscope.parity.network import EXACT
from glmscope.text.prompt import PromptMessage, chatglm3_dialogue
from glmscope.text.tokenizer import Tokenizer
from quantization_rules import Matrix


class Dialogues:
    """What is measured on: ids of whole dialogues, and which of them the assistant says."""

    def __init__(self, tokenizer: Tokenizer, lines: list[str]) -> None:
        rows = [json.loads(line)["messages"] for line in lines]
        messages = [[PromptMessage(**message) for message in row] for row in rows]
        self.each = [chatglm3_dialogue(tokenizer, dialogue) for dialogue in messages]
        self.reference: list[Matrix] = []

    def run(self, model: ov.Model, properties: dict[str, str]) -> Iterator[ov.InferRequest]:
        """The request after it has read each dialogue."""
        request = ov.Core().compile_model(model, "CPU", properties).create_infer_request()
        for ids, _ in self.each:
            request.reset_state()
            row = np.array([ids])
            request.infer(
                {
                    "input_ids": row,
                    "attention_mask": np.ones_like(row),
                    "position_ids": np.arange(len(ids))[None],
                    "beam_idx": np.zeros(1, np.int32),
                }
            )
            yield request

    def second_moments(self, model: ov.Model, config: ModelConfig) -> dict[str, Matrix]:
        """The mean of x x^T [in, in] over the inputs x of each matrix but the embedding."""
        products = {
            node.get_friendly_name(): node
            for node in model.get_ops()
            if node.get_type_name() == "MatMul"
        }
        names = [
            name
            for name, spec in list(expected_tensors(config).items())[1:]
            if spec.kind is TensorKind.MATRIX
        ]
        for name in names:
            called = name.removesuffix(".weight")
            # Of a matrix that is used in halves, both read the same.
            source = (products.get(called) or products[f"{called}.gate"]).input_value(0)
            source.add_names({name})
            model.add_outputs(source)
        sums: dict[str, Matrix] = {}
        for request in self.run(model, EXACT):
            for name in names:
                inputs = request.get_tensor(name).data[0]
                sums[name] = sums.get(name, 0) + inputs.T @ inputs
        return {name: total / sum(len(ids) for ids, _ in self.each) for name, total in sums.items()}

    def log_probabilities(self, model: ov.Model, properties: dict[str, str]) -> Iterator[Matrix]:
        """Of each dialogue [S, V], float32."""
        for request in self.run(model, properties):
            logits = np.array(request.get_tensor("logits").data[0])
            logits -= logits.max(axis=1, keepdims=True)
            logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
            yield logits

    def row(self, found: Iterable[Matrix]) -> str:
        """Perplexity, then divergence and agreement in what is said and in everything."""
        losses, divergence, agreement, said = [], [], [], []
        for (ids, spoken), reference, logs in zip(self.each, self.reference, found, strict=True):
            before = np.array(spoken) - 1  # the next token of the position before it
            losses.append(-logs[before, np.array(ids)[before + 1]])
            divergence.append((np.exp(reference) * (reference - logs)).sum(axis=1))
            agreement.append(reference.argmax(axis=1) == logs.argmax(axis=1))
            said.append(np.isin(np.arange(len(ids)), before))
        spoken_at, apart, same = map(np.concatenate, (said, divergence, agreement))
        cells = [f"{np.exp(np.concatenate(losses).mean()):.4f}"]
        for where in (spoken_at, np.ones_like(spoken_at)):
            cells += [f"{1000 * apart[where].mean():.2f}", f"{100 * same[where].mean():.2f} %"]
        return " | ".join(cells)
