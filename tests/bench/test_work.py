"""Bytes and operations, worked out by hand for the 6B shape."""

from __future__ import annotations

import pytest

from glmscope.bench.work import NetworkWork, Work
from glmscope.family import Family
from glmscope.model.config import ModelConfig
from glmscope.model.manifest import WEIGHTS_FILE, ListedFile, Manifest

FILE_BYTES = 3_480_000_000
VOCABULARY = 65024 * 4096
# QKV, attention output, both MLP matrices.
LAYER = 4096 * 4608 + 4096 * 4096 + 4096 * 27392 + 13696 * 4096


def network(weights: str, kv_bytes: float = 0.0) -> NetworkWork:
    config = ModelConfig(
        family=Family.CHATGLM3,
        multi_query_attention=True,
        multi_query_group_num=2,
        seq_length=8192,
    )
    files = {WEIGHTS_FILE: ListedFile(FILE_BYTES, "")}
    return NetworkWork.of(
        Manifest(config.family, weights, None, 0, config, {}, files, {}), kv_bytes
    )


@pytest.mark.parametrize(
    ("weights", "bits"),
    [("fp32", 32), ("fp16", 16), ("int8", 8), ("int4", 8), ("official-int4", 16)],
)
def test_a_step_reads_all_but_the_embedding(weights: str, bits: int) -> None:
    assert network(weights).step(1, 0).nbytes == FILE_BYTES - VOCABULARY * bits / 8


def test_a_step_reads_weights_once_and_every_streams_cache() -> None:
    one, four = (network("int4", 1000).step(streams, 300) for streams in (1, 4))
    assert four.nbytes - one.nbytes == 3 * 300 * 1000
    assert four.operations == 4 * one.operations


def test_a_step_multiplies_and_adds_each_weight_once() -> None:
    work = network("int4")
    assert work.step(1, 0).operations == 2 * (28 * LAYER + VOCABULARY)
    # With each token looked at: two products a head, of 128 numbers each.
    grown = work.step(1, 10).operations - work.step(1, 0).operations
    assert grown == 10 * 28 * 32 * 2 * 2 * 128


@pytest.mark.parametrize(("tokens", "passes"), [(1, 1), (255, 1), (256, 1), (257, 2), (512, 2)])
def test_a_prompt_reads_the_layers_once_a_chunk(tokens: int, passes: int) -> None:
    work = network("int4")
    layers = FILE_BYTES - 2 * VOCABULARY
    assert work.prefill(tokens, 256).nbytes == passes * layers + VOCABULARY


def test_a_prompt_reads_the_cache_of_what_went_before() -> None:
    without, cached = (network("int4", kv).prefill(600, 256).nbytes for kv in (0, 7))
    assert cached - without == 7 * (256 + 512 + 600)


def test_a_prompt_of_one_token_computes_what_a_step_does() -> None:
    work = network("int4")
    assert work.prefill(1, 256).operations == work.step(1, 1).operations


def test_intensity() -> None:
    assert Work(nbytes=4, operations=10).intensity == 2.5
