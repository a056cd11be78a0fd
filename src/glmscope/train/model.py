"""The network in PyTorch, for training: same mathematics and tensor names as what serves.

Source: ChatGLM specification, section 2. Shapes below: B sequences, S tokens, H width, A query
heads, G KV groups, d head size, V vocabulary rows. `state_dict` is the published tensor layout.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name that every PyTorch program uses

from glmscope.model.config import ModelConfig

IGNORED = -100
"""The target of a token that takes no part in the loss."""
QUERY_BLOCKS = 4
"""On a CPU, into how many blocks the queries of a row are cut."""


class RMSNorm(nn.Module):
    """Root-mean-square norm, computed in float32 and rounded once (section 2.1)."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Normalise the last axis of `x`."""
        return F.rms_norm(x.float(), (x.shape[-1],), self.weight.float(), self.eps).to(x.dtype)


class SelfAttention(nn.Module):
    """Grouped-query attention with a half-rotated head (sections 2.2 to 2.4)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.heads, self.groups, self.head_dim = (
            config.num_attention_heads,
            config.groups,
            config.head_dim,
        )
        self.grouped = config.multi_query_attention
        self.query_key_value = nn.Linear(
            config.hidden_size, config.qkv_rows, bias=config.has_qkv_bias
        )
        self.dense = nn.Linear(
            config.attention_width, config.hidden_size, bias=config.add_bias_linear
        )

    def forward(self, x: Tensor, rotary: Tensor, mask: Tensor | None) -> Tensor:
        """`x` is [B, S, H]; `rotary` [B or 1, S, r/2, 2], cos and sin of each token's position.

        `mask` [B, 1, S, S] is added to the scores; None is plain causal.
        """
        batch, length, _ = x.shape
        q, k, v = self.split_heads(self.query_key_value(x))
        q, k = rotate(q, rotary), rotate(k, rotary)
        q, k, v = (part.transpose(1, 2) for part in (q, k, v))
        if mask is not None and x.device.type == "cpu":
            context = attend_in_blocks(q, k, v, mask)
            return self.dense(context.transpose(1, 2).reshape(batch, length, -1))
        if self.groups != self.heads:
            # Query head i reads group i // (A/G).
            k, v = (part.repeat_interleave(self.heads // self.groups, dim=1) for part in (k, v))
        context = F.scaled_dot_product_attention(q, k, v, mask, is_causal=mask is None)
        return self.dense(context.transpose(1, 2).reshape(batch, length, -1))

    def split_heads(self, qkv: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[B, S, rows] → Q [B, S, A, d], K and V [B, S, G, d]."""
        batch, length, _ = qkv.shape
        if not self.grouped:  # rows are interleaved per head
            parts = qkv.view(batch, length, self.heads, 3 * self.head_dim).split(self.head_dim, -1)
            return parts[0], parts[1], parts[2]
        heads = qkv.view(batch, length, -1, self.head_dim)
        q, k, v = heads.split([self.heads, self.groups, self.groups], dim=2)
        return q, k, v


class MLP(nn.Module):
    """SwiGLU: the first half of the first matrix is the gate (section 2.5)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        bias = config.add_bias_linear
        self.dense_h_to_4h = nn.Linear(config.hidden_size, 2 * config.ffn_hidden_size, bias=bias)
        self.dense_4h_to_h = nn.Linear(config.ffn_hidden_size, config.hidden_size, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """[B, S, H] → [B, S, H]."""
        gate, up = self.dense_h_to_4h(x).chunk(2, dim=-1)
        return self.dense_4h_to_h(F.silu(gate) * up)


class Block(nn.Module):
    """One pre-norm layer."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.post_norm_residual = config.apply_residual_connection_post_layernorm
        self.input_layernorm = RMSNorm(config.hidden_size, config.layernorm_epsilon)
        self.self_attention = SelfAttention(config)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.layernorm_epsilon)
        self.mlp = MLP(config)

    def forward(self, x: Tensor, rotary: Tensor, mask: Tensor | None) -> Tensor:
        """[B, S, H] → [B, S, H]."""
        h = self.input_layernorm(x)
        x = (h if self.post_norm_residual else x) + self.self_attention(h, rotary, mask)
        h = self.post_attention_layernorm(x)
        return (h if self.post_norm_residual else x) + self.mlp(h)


class Encoder(nn.Module):
    """The layers and the final norm."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Block(config) for _ in range(config.num_layers))
        self.final_layernorm = (
            RMSNorm(config.hidden_size, config.layernorm_epsilon)
            if config.post_layer_norm
            else nn.Identity()
        )


class Embedding(nn.Module):
    """The table of token vectors, under its published name."""

    def __init__(self, rows: int, width: int) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(rows, width)


class Transformer(nn.Module):
    """Everything but the choice of the next token, under its published names."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.embedding = Embedding(config.padded_vocab_size, config.hidden_size)
        self.encoder = Encoder(config)
        self.output_layer = nn.Linear(config.hidden_size, config.padded_vocab_size, bias=False)


class ChatGLM(nn.Module):
    """ChatGLM2 / ChatGLM3, causal from the first token on; no cache: training reads whole rows."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.transformer = Transformer(config)
        table = rotary_table(config, config.seq_length)
        self.register_buffer("rotary", table, persistent=False)

    def hidden(self, ids: Tensor, documents: Tensor | None = None) -> Tensor:
        """Final hidden states [B, S, H] of `ids` [B, S].

        `documents` [B, S] numbers the documents packed into each row (`packing`): a token then
        sees its own document only, and positions start at 0 with each. None: one a row.
        """
        return self.hidden_and_inputs(ids, documents, ())[0]

    def hidden_and_inputs(
        self, ids: Tensor, documents: Tensor | None, layers: Sequence[int]
    ) -> tuple[Tensor, list[Tensor]]:
        """The same, and what goes into each of `layers`: [B, S, H] each."""
        x = self.transformer.embedding.word_embeddings(ids)
        if documents is None:
            rotary, mask = self.rotary[None, : ids.shape[1]], None
        else:
            rotary = self.rotary[positions_within(documents)]
            device = ids.device.type
            mixed = torch.is_autocast_enabled(device)
            dtype = torch.get_autocast_dtype(device) if mixed else x.dtype
            mask = document_mask(documents, dtype)
        inputs = []
        for block in self.transformer.encoder.layers:
            inputs.append(x)
            x = block(x, rotary, mask)
        return self.transformer.encoder.final_layernorm(x), [inputs[layer] for layer in layers]

    def forward(self, ids: Tensor, documents: Tensor | None = None) -> Tensor:
        """Logits [B, S, V] of `ids` [B, S]."""
        return self.transformer.output_layer(self.hidden(ids, documents))

    def head_loss(self, hidden: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        """Mean cross entropy at the places where `targets` [B, S] is not IGNORED.

        `hidden` is [B, S, H]; `weights` [B, S] says how much each place counts, all the same by
        default. Logits are computed for those places only: prompts cost nothing here.
        """
        places = targets != IGNORED
        logits = self.transformer.output_layer(hidden[places]).float()
        if weights is None:
            return F.cross_entropy(logits, targets[places])
        losses = F.cross_entropy(logits, targets[places], reduction="none")
        return (losses * weights[places]).sum() / weights[places].sum()


def rotary_table(config: ModelConfig, positions: int) -> Tensor:
    """cos and sin of positions 0…: [positions, r/2, 2], float32 (section 2.3)."""
    pairs = torch.arange(0, config.rotary_dim, 2, dtype=torch.float32)
    theta = config.rotary_base ** (-pairs / config.rotary_dim)
    places = torch.arange(positions, dtype=torch.float32) / config.rotary_position_divisor
    angle = torch.outer(places, theta)
    return torch.stack((angle.cos(), angle.sin()), dim=-1)


def rotate(x: Tensor, rotary: Tensor) -> Tensor:
    """Turn adjacent pairs of the first half of each head.

    `x` is [B, S, heads, d], `rotary` [B or 1, S, r/2, 2].
    """
    half = 2 * rotary.shape[-2]
    pairs = x[..., :half].float().unflatten(-1, (-1, 2))
    cos, sin = rotary[:, :, None, :, 0], rotary[:, :, None, :, 1]
    first, second = pairs.unbind(-1)
    turned = torch.stack((first * cos - second * sin, second * cos + first * sin), dim=-1)
    return torch.cat((turned.flatten(-2).to(x.dtype), x[..., half:]), dim=-1)


def attend_in_blocks(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Causal attention [B, A, S, d] of `q` [B, A, S, d] on `k` and `v` [B, G, S, d].

    `mask` [B, 1, S, S], causal, is added to the scores, which have the type of `q`. A block of
    queries leaves out the keys after it, which none of it sees, and the heads of a group are one
    product. Compiled, this takes less time than PyTorch's fused kernel on a CPU, forward and
    backward (`scripts/measure_training.py`).
    """
    batch, heads, length, size = q.shape
    groups = k.shape[1]
    step = -(-length // QUERY_BLOCKS)
    contexts = []
    for start in range(0, length, step):
        end = min(start + step, length)
        queries = q[:, :, start:end].reshape(batch, groups, -1, size)
        scores = queries @ k[:, :, :end].transpose(2, 3) / size**0.5
        scores = scores.view(batch, heads, end - start, end) + mask[:, :, start:end, :end]
        weights = scores.float().softmax(dim=-1).to(v.dtype).view(batch, groups, -1, end)
        contexts.append((weights @ v[:, :, :end]).view(batch, heads, end - start, size))
    return torch.cat(contexts, dim=2)


def positions_within(documents: Tensor) -> Tensor:
    """Each token's place in its own document: [B, S] → [B, S]."""
    places = torch.arange(documents.shape[1], device=documents.device).expand_as(documents)
    starts = documents != documents.roll(1, dims=1)
    starts[:, 0] = True
    return places - torch.where(starts, places, 0).cummax(dim=1).values


def document_mask(documents: Tensor, dtype: torch.dtype) -> Tensor:
    """Added to scores [B, 1, S, S]: 0 for earlier tokens of the same document, else -inf."""
    same = documents[:, None, :, None] == documents[:, None, None, :]
    length = documents.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool, device=documents.device).tril()
    return torch.zeros_like(same, dtype=dtype).masked_fill(~(same & causal), float("-inf"))


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Within: evaluation mode and no gradients; the mode before is restored."""
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(was_training)
