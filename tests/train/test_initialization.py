"""The start that can copy: one head looks one token back, the next finds what came before."""

from __future__ import annotations

import pytest

from glmscope.family import Family
from glmscope.model.config import ModelConfig

torch = pytest.importorskip("torch", reason="training needs PyTorch, which is not installed")

from glmscope.train.initialization import initialize  # noqa: E402
from glmscope.train.model import ChatGLM, rotate  # noqa: E402

PERIOD, TIMES = 20, 3


def network(layers: int, width: int) -> ChatGLM:
    config = ModelConfig(
        family=Family.CHATGLM3,
        num_layers=layers,
        hidden_size=width,
        ffn_hidden_size=2 * width,
        kv_channels=64,
        num_attention_heads=4,
        multi_query_attention=True,
        multi_query_group_num=2,
        padded_vocab_size=4096,
        seq_length=128,
        add_qkv_bias=True,
    )
    model = ChatGLM(config)
    initialize(model, 11)
    return model


def attention_of_head_0(model: ChatGLM, ids) -> list:
    """Probabilities [S, S] of each layer's first head."""
    found = []
    with torch.no_grad():
        x = model.transformer.embedding.word_embeddings(ids)
        rotary = model.rotary[None, : ids.shape[1]]
        causal = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool).tril()
        for block in model.transformer.encoder.layers:
            attention = block.self_attention
            q, k, _ = attention.split_heads(attention.query_key_value(block.input_layernorm(x)))
            q, k = rotate(q, rotary)[0, :, 0], rotate(k, rotary)[0, :, 0]
            scores = (q @ k.T / attention.head_dim**0.5).masked_fill(~causal, float("-inf"))
            found.append(scores.softmax(-1))
            x = block(x, rotary, None)
    return found


@pytest.fixture(scope="module")
def patterns():
    run = torch.randint(0, 4096, (1, PERIOD), generator=torch.Generator().manual_seed(0))
    return attention_of_head_0(network(2, 256), run.repeat(1, TIMES))


def test_the_first_layer_looks_one_token_back(patterns) -> None:
    places = torch.arange(1, PERIOD * TIMES)
    assert patterns[0][places, places - 1].mean() > 0.9


def test_the_second_layer_looks_at_what_followed_the_same_token(patterns) -> None:
    places = torch.arange((TIMES - 1) * PERIOD + 1, TIMES * PERIOD)
    after = [places - turn * PERIOD + 1 for turn in range(1, TIMES)]
    found = sum(patterns[1][places, place] for place in after)
    assert found.mean() > 0.5  # chance would be about 0.04
    assert sum(patterns[0][places, place] for place in after).mean() < 0.1


def test_a_copied_embedding_is_a_copied_token() -> None:
    transformer = network(2, 256).transformer
    embedding = transformer.embedding.word_embeddings.weight
    assert torch.equal(transformer.output_layer.weight, embedding)
    assert transformer.output_layer.weight is not embedding


def test_a_network_too_small_for_the_circuit_starts_at_random() -> None:
    biases = [p for name, p in network(1, 128).named_parameters() if name.endswith("bias")]
    assert all(not bias.any() for bias in biases)


def test_the_same_seed_gives_the_same_weights() -> None:
    one, other = network(2, 256), network(2, 256)
    for (name, first), second in zip(one.named_parameters(), other.parameters(), strict=True):
        assert torch.equal(first, second), name
