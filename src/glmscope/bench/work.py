"""What a network has to move and to compute: bytes and operations, whatever runs it."""

from __future__ import annotations

from dataclasses import dataclass

from glmscope.model.config import ModelConfig
from glmscope.model.convert import WEIGHT_FORMATS
from glmscope.model.layout import TensorKind, expected_tensors
from glmscope.model.manifest import WEIGHTS_FILE, Manifest

# What the official INT8 and INT4 files leave in floating point, embedding and output among it.
_OFFICIAL_VOCABULARY_BITS = 16


@dataclass(frozen=True, slots=True)
class Work:
    """Bytes read from memory, and operations: a multiplication and an addition are two."""

    nbytes: float
    operations: float

    @property
    def intensity(self) -> float:
        """Operations a byte."""
        return self.operations / self.nbytes


@dataclass(frozen=True, slots=True)
class NetworkWork:
    """The work of one network.

    Weights count as they are stored: the layers once each time that the network runs, the output
    matrix once each time that somebody wants the next token, the embedding never, because a few of
    its rows are looked up. Activations stay in the caches and are left out.
    """

    layer_bytes: float
    output_bytes: float
    kv_bytes: float
    """Of one token, in all layers."""
    layer_operations: float
    """Of one token, attention aside."""
    output_operations: float
    pair_operations: float
    """Of one token that looks at one other in all layers: a product with its key, one with its
    value."""

    @classmethod
    def of(cls, manifest: Manifest, kv_bytes: float) -> NetworkWork:
        """The network of a converted directory, whose KV cache takes `kv_bytes` a token."""
        config = manifest.config
        vocabulary_bytes = _vocabulary_bytes(config, manifest.weights)
        matrices = sum(
            spec.shape[0] * spec.shape[1]
            for name, spec in expected_tensors(config).items()
            if spec.kind is TensorKind.MATRIX and ".layers." in name
        )
        return cls(
            layer_bytes=manifest.files[WEIGHTS_FILE].size - 2 * vocabulary_bytes,
            output_bytes=vocabulary_bytes,
            kv_bytes=kv_bytes,
            layer_operations=2 * matrices,
            output_operations=2 * config.padded_vocab_size * config.hidden_size,
            pair_operations=4 * config.attention_width * config.num_layers,
        )

    def step(self, streams: int, context: float) -> Work:
        """One decoding step of `streams` sequences that look at `context` tokens each."""
        token = self.layer_operations + self.output_operations + self.pair_operations * context
        weights = self.layer_bytes + self.output_bytes
        return Work(weights + streams * context * self.kv_bytes, streams * token)

    def prefill(self, tokens: int, chunk: int) -> Work:
        """Reading a prompt of `tokens`, `chunk` of them at a time, up to the first new token."""
        ends = [*range(chunk, tokens, chunk), tokens]
        pairs = tokens * (tokens + 1) / 2
        return Work(
            len(ends) * self.layer_bytes + self.output_bytes + sum(ends) * self.kv_bytes,
            tokens * self.layer_operations + self.output_operations + pairs * self.pair_operations,
        )


def _vocabulary_bytes(config: ModelConfig, weights: str) -> float:
    """Of the embedding, or of the output matrix, without the scales of their rows."""
    known = WEIGHT_FORMATS.get(weights)
    bits = _OFFICIAL_VOCABULARY_BITS if known is None else known.vocabulary_bits
    return config.padded_vocab_size * config.hidden_size * bits / 8
