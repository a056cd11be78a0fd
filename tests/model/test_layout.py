"""Names, shapes and byte counts of the published checkpoints."""

from __future__ import annotations

import math

import pytest

from glmscope.family import Family
from glmscope.model.config import ModelConfig
from glmscope.model.layout import TensorKind, expected_tensors, layer_name, prefix_tensors


def published(**changes):
    return ModelConfig(
        family=Family.CHATGLM2,
        multi_query_attention=True,
        multi_query_group_num=2,
        add_qkv_bias=True,
        **changes,
    )


def test_published_checkpoint_has_199_tensors_beside_the_frequencies():
    assert len(expected_tensors(published())) == 199


@pytest.mark.parametrize(
    ("bits", "total"), [(0, 12_487_168_064), (8, 6_778_873_920), (4, 3_923_601_472)]
)
def test_published_sizes_in_bytes(bits, total):
    tensors = expected_tensors(published(quantization_bit=bits)).values()
    octets = sum(math.prod(spec.stored_shape) * (1 if spec.bits else 2) for spec in tensors)
    assert octets + 64 == total  # the published totals count the 32 unused frequencies


def test_shapes_of_a_layer():
    tensors = expected_tensors(published())
    parts = {
        "input_layernorm.weight": (4096,),
        "self_attention.query_key_value.weight": (4608, 4096),
        "self_attention.query_key_value.bias": (4608,),
        "self_attention.dense.weight": (4096, 4096),
        "post_attention_layernorm.weight": (4096,),
        "mlp.dense_h_to_4h.weight": (27392, 4096),
        "mlp.dense_4h_to_h.weight": (4096, 13696),
    }
    assert {part: tensors[layer_name(27, part)].shape for part in parts} == parts
    assert layer_name(28, "input_layernorm.weight") not in tensors


def test_quantized_matrices_have_scales_and_the_output_layer_has_not():
    tensors = expected_tensors(published(quantization_bit=4))
    dense = layer_name(0, "self_attention.dense.weight")
    assert tensors[dense].stored_shape == (4096, 2048)
    assert tensors[dense + "_scale"].kind is TensorKind.SCALE
    assert tensors["transformer.output_layer.weight"].bits == 0
    assert len(tensors) == 199 + 4 * 28


def test_biases_and_final_norm_follow_the_configuration():
    tensors = expected_tensors(published(add_bias_linear=True, post_layer_norm=False))
    assert tensors[layer_name(0, "mlp.dense_h_to_4h.bias")].shape == (27392,)
    assert tensors[layer_name(0, "self_attention.dense.bias")].shape == (4096,)
    assert "transformer.encoder.final_layernorm.weight" not in tensors


def test_prefix_encoder_of_the_official_scripts_has_its_published_size():
    tensors = prefix_tensors(published(pre_seq_len=128))
    assert [math.prod(spec.shape) for spec in tensors.values()] == [1_835_008]
    assert prefix_tensors(published()) == {}


def test_prefix_encoder_with_projection():
    tensors = prefix_tensors(published(pre_seq_len=128, prefix_projection=True))
    assert [spec.shape for spec in tensors.values()] == [
        (128, 14336),
        (4096, 14336),
        (4096,),
        (14336, 4096),
        (14336,),
    ]
