"""What a network takes of memory, and how large a KV cache that leaves room for.

The sizes were measured (docs/performance.md, "Memory"); each is meant as the most that there is.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

from glmscope.engine.pipeline import BLOCK_TOKENS, CHUNK_TOKENS, kv_bytes_per_token
from glmscope.model.manifest import WEIGHTS_FILE, Manifest

PROCESS_BYTES = 300_000_000
"""Interpreter, libraries, a server with its traces: what a process takes besides its networks."""

LEAST_TOKENS = 512
"""A smaller KV cache holds no conversation."""

_FLOAT = 4

# The runtime's own: code that it generates, and a graph of some hundred nodes a layer.
_RUNTIME_BYTES = 60_000_000
_LAYER_BYTES = 2_500_000

# What the library keeps of grammars until it is opened anew, at the published vocabulary's size.
_GRAMMAR_BYTES = 450_000_000
_GRAMMAR_VOCABULARY = 65_024


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """Bytes that one network takes."""

    loaded: float
    """Weights and graph: what it takes before the first request."""
    working: float
    """Activations of a step, grammars."""
    per_position: float
    """Buffers of attention, for each token of the longest sequence."""
    per_token: float
    """KV cache."""
    positions: int
    """Tokens of the longest sequence that there can be."""

    @classmethod
    def of(
        cls, manifest: Manifest, *, fast: bool, threads: int | None, holds_grammars: bool
    ) -> MemoryNeed:
        """The need of a converted directory that is opened with these settings."""
        config = manifest.config
        vocabulary = config.padded_vocab_size
        widths = vocabulary + 4 * config.ffn_hidden_size + 8 * config.hidden_size
        grammars = _GRAMMAR_BYTES * vocabulary / _GRAMMAR_VOCABULARY if holds_grammars else 0.0
        # A score for each query of a block in every thread, and the cache's numbers in float32, as
        # one prompt ends and the next one begins in the same step.
        scores = (threads or cores()) * config.num_attention_heads * BLOCK_TOKENS
        unpacked = 2 * 2 * config.groups * config.head_dim
        return cls(
            loaded=_weight_bytes(manifest) + _RUNTIME_BYTES + _LAYER_BYTES * config.num_layers,
            working=CHUNK_TOKENS * widths * _FLOAT + grammars,
            per_position=_FLOAT * (scores + unpacked),
            per_token=kv_bytes_per_token(config, fast),
            positions=config.seq_length + manifest.prefix_length,
        )

    def growth(self, tokens: int) -> int:
        """Bytes that come after loading, with a KV cache of `tokens`."""
        longest = min(tokens, self.positions)
        return math.ceil(self.working + self.per_position * longest + self.per_token * tokens)

    def at(self, tokens: int) -> int:
        """Bytes in all with a KV cache of `tokens`."""
        return math.ceil(self.loaded) + self.growth(tokens)

    def tokens_within(self, nbytes: float) -> int:
        """Tokens of KV cache that `nbytes` leave room for; none or fewer where nothing fits."""
        left = nbytes - self.loaded - self.working
        tokens = left / (self.per_position + self.per_token)
        if tokens > self.positions:
            tokens = (left - self.per_position * self.positions) / self.per_token
        return int(tokens) // BLOCK_TOKENS * BLOCK_TOKENS


def cores() -> int:
    """Those that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _weight_bytes(manifest: Manifest) -> int:
    """What weights take in memory: as in the file, unless the runtime widens them."""
    listed = manifest.files[WEIGHTS_FILE].size
    vocabulary = 2 * manifest.config.padded_vocab_size * manifest.config.hidden_size
    if manifest.weights == "fp16":  # everything to float32, the layers packed and as they were
        layers = listed - 2 * vocabulary
        return 4 * layers + 4 * vocabulary
    if manifest.weights.startswith("official"):  # embedding and output are float16 there
        return listed + 2 * vocabulary
    return listed
