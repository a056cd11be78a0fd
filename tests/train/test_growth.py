"""Growing: the layers put below find what is to be copied, and those above stay as they are."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch, which is not installed")

from glmscope.family import Family  # noqa: E402
from glmscope.model.config import ModelConfig  # noqa: E402
from glmscope.train.growth import GROWN_LAYERS, OFFSETS, can_grow, grow  # noqa: E402
from glmscope.train.initialization import initialize  # noqa: E402
from glmscope.train.model import ChatGLM, rotate  # noqa: E402
from tests.train.tiny import tiny_model  # noqa: E402

ROWS, PERIOD = 2048, 24
HEADS_A_GROUP = len(OFFSETS)


def network(heads: int = 6) -> ChatGLM:
    config = ModelConfig(
        family=Family.CHATGLM3,
        name="GLMScope/chatglm3-small",
        num_layers=2,
        hidden_size=384,
        ffn_hidden_size=128,
        kv_channels=64,
        num_attention_heads=heads,
        multi_query_attention=True,
        multi_query_group_num=2,
        padded_vocab_size=ROWS,
        seq_length=128,
        add_qkv_bias=True,
    )
    model = ChatGLM(config)
    initialize(model, 5)
    return model


@pytest.fixture(scope="module")
def small() -> ChatGLM:
    return network()


@pytest.fixture(scope="module")
def grown(small: ChatGLM) -> ChatGLM:
    return grow(small, torch.ones(ROWS), seed=3)


def patterns(model: ChatGLM, ids) -> list:
    """Probabilities [A, S, S] of the two lowest layers' heads."""
    found = []
    with torch.no_grad():
        x = model.transformer.embedding.word_embeddings(ids)
        rotary = model.rotary[None, : ids.shape[1]]
        causal = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool).tril()
        for block in model.transformer.encoder.layers[:GROWN_LAYERS]:
            attention = block.self_attention
            q, k, _ = attention.split_heads(attention.query_key_value(block.input_layernorm(x)))
            q, k = rotate(q, rotary)[0], rotate(k, rotary)[0]
            k = k.repeat_interleave(attention.heads // attention.groups, dim=1)
            scores = torch.einsum("iad,jad->aij", q, k) / attention.head_dim**0.5
            found.append(scores.masked_fill(~causal, float("-inf")).softmax(-1))
            x = block(x, rotary, None)
    return found


def twice(pieces) -> tuple:
    """A run of ids said twice, and the places in the second round whose next id is known."""
    generator = torch.Generator().manual_seed(9)
    run = pieces[torch.randint(0, len(pieces), (1, PERIOD), generator=generator)]
    return run.repeat(1, 2), torch.arange(PERIOD + 3, 2 * PERIOD - 1)


def test_the_first_layer_looks_one_two_and_three_tokens_back(grown: ChatGLM) -> None:
    ids, _ = twice(torch.arange(ROWS))
    (first, _) = patterns(grown, ids)
    places = torch.arange(max(OFFSETS), ids.shape[1])
    for head, looked in enumerate(first):
        back = OFFSETS[head % HEADS_A_GROUP]
        assert looked[places, places - back].mean() > 0.95


@pytest.mark.parametrize("different", [ROWS, 12])
def test_the_second_layer_finds_what_followed_the_same_tokens(
    grown: ChatGLM, different: int
) -> None:
    """Among many different ids, and among few, of which one alone stands in several places."""
    ids, places = twice(torch.arange(100, 100 + different) % ROWS)
    (first, second) = patterns(grown, ids)
    followed = places - PERIOD + 1
    assert second[:HEADS_A_GROUP, places, followed].mean() > 0.6
    assert first[:HEADS_A_GROUP, places, followed].mean() < 0.1


def test_what_was_trained_stays_as_it_was(small: ChatGLM, grown: ChatGLM) -> None:
    assert grown.config.num_layers == small.config.num_layers + GROWN_LAYERS
    kept = grown.transformer.encoder.layers[GROWN_LAYERS:]
    for old, new in zip(small.transformer.encoder.layers, kept, strict=True):
        for (name, before), after in zip(old.named_parameters(), new.parameters(), strict=True):
            assert torch.equal(before, after), name
    for name in ("output_layer.weight", "encoder.final_layernorm.weight"):
        before, after = (m.transformer.get_parameter(name) for m in (small, grown))
        assert torch.equal(before, after), name


def test_the_next_layer_reads_the_embeddings_that_it_knows(small: ChatGLM, grown: ChatGLM) -> None:
    """Scaled alike, so that a norm sees no difference."""
    before, after = (m.transformer.embedding.word_embeddings.weight for m in (small, grown))
    assert torch.allclose(
        after / after.square().mean().sqrt(), before / before.square().mean().sqrt()
    )


def test_a_grown_network_learns_in_all_of_its_layers(grown: ChatGLM) -> None:
    ids, _ = twice(torch.arange(ROWS))
    grown.head_loss(grown.hidden(ids), ids).backward()
    for name, parameter in grown.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


@pytest.mark.parametrize("model", [network(heads=4), tiny_model()])
def test_another_shape_is_not_grown(model: ChatGLM) -> None:
    assert can_grow(network())
    assert not can_grow(model)
