"""`config.json`: defaults, checks, families, and what is refused."""

from __future__ import annotations

import json

import pytest

from glmscope.errors import ModelFilesError, UnsupportedModel
from glmscope.family import Family
from glmscope.model.config import ModelConfig, load_config
from tests.support.checkpoints import write_config
from tests.support.paths import GOLDEN, needs_golden

PUBLISHED = {
    "_name_or_path": "THUDM/chatglm3-6b",
    "model_type": "chatglm",
    "multi_query_attention": True,
    "multi_query_group_num": 2,
    "add_qkv_bias": True,
    "seq_length": 8192,
    "original_rope": True,
    "torch_dtype": "float16",
}


def write(directory, fields):
    (directory / "config.json").write_text(json.dumps(fields), encoding="utf-8")
    return directory


def test_published_file_gives_the_published_shapes(tmp_path):
    config = load_config(write(tmp_path, PUBLISHED))
    assert config.family is Family.CHATGLM3
    assert (config.hidden_size, config.head_dim, config.attention_width) == (4096, 128, 4096)
    assert (config.groups, config.qkv_rows, config.rotary_dim) == (2, 4608, 64)
    assert config.kv_bytes_per_token() == 28_672
    assert config.has_qkv_bias
    assert not config.is_quantized


def test_missing_fields_take_the_defaults_of_the_specification(tmp_path):
    fields = {"_name_or_path": "chatglm2", "model_type": "chatglm", "multi_query_attention": None}
    assert load_config(write(tmp_path, fields)) == ModelConfig(
        family=Family.CHATGLM2,
        name="chatglm2",
        num_layers=28,
        hidden_size=4096,
        ffn_hidden_size=13696,
        kv_channels=128,
        num_attention_heads=32,
        multi_query_attention=False,
        multi_query_group_num=1,
        padded_vocab_size=65024,
        seq_length=2048,
        layernorm_epsilon=1e-5,
        rmsnorm=True,
        post_layer_norm=True,
        apply_residual_connection_post_layernorm=False,
        add_bias_linear=False,
        add_qkv_bias=False,
        quantization_bit=0,
        pre_seq_len=None,
        prefix_projection=False,
        rope_ratio=1.0,
    )


def test_null_head_dimension_is_width_over_heads(tmp_path):
    config = write_config(tmp_path, kv_channels=None, hidden_size=48)
    assert config.head_dim == 12


def test_without_grouped_attention_every_head_is_a_group(tmp_path):
    config = write_config(tmp_path, multi_query_attention=False)
    assert config.groups == 4
    assert config.qkv_rows == 3 * 4 * 8


@pytest.mark.parametrize(
    ("family", "base", "scale"),
    [(Family.CHATGLM2, 10_000.0, 50.0), (Family.CHATGLM3, 500_000.0, 1.0)],
)
def test_rope_ratio_means_two_things(tmp_path, family, base, scale):
    write_config(tmp_path, rope_ratio=50)
    config = load_config(tmp_path, family)
    assert (config.rotary_base, config.rotary_position_divisor) == (base, scale)


@pytest.mark.parametrize("suffix", ["", "-base", "-32k", "-128k"])
def test_family_from_the_published_names(tmp_path, suffix):
    write_config(tmp_path, _name_or_path=f"THUDM/chatglm3-6b{suffix}")
    assert load_config(tmp_path).family is Family.CHATGLM3
    write_config(tmp_path, _name_or_path=f"THUDM/ChatGLM2-6B{suffix}")
    assert load_config(tmp_path).family is Family.CHATGLM2


@pytest.mark.parametrize(
    ("file", "text", "family"),
    [
        ("tokenization_chatglm.py", 'roles = ["[gMASK]", "<|assistant|>"]', Family.CHATGLM3),
        ("tokenization_chatglm.py", 'specials = ["[MASK]", "[gMASK]", "sop"]', Family.CHATGLM2),
        ("tokenizer_config.json", '{"additional": ["<|assistant|>"]}', Family.CHATGLM3),
    ],
)
def test_family_from_tokenizer_files_read_as_text(tmp_path, file, text, family):
    write_config(tmp_path, _name_or_path="somebody/finetuned")
    (tmp_path / file).write_text(f"raise SystemExit  # never run\n{text}", encoding="utf-8")
    assert load_config(tmp_path).family is family


def test_unknown_family_asks_for_the_option(tmp_path):
    write_config(tmp_path, _name_or_path="somebody/finetuned")
    with pytest.raises(UnsupportedModel, match="--family chatglm2 or --family chatglm3"):
        load_config(tmp_path)
    assert load_config(tmp_path, Family.CHATGLM2).family is Family.CHATGLM2


def test_name_and_tokenizer_that_disagree_are_not_guessed_about(tmp_path):
    write_config(tmp_path, _name_or_path="my-chatglm2")
    (tmp_path / "tokenization_chatglm.py").write_text("<|assistant|>", encoding="utf-8")
    with pytest.raises(UnsupportedModel, match=r"calls itself.*role tokens of ChatGLM3"):
        load_config(tmp_path)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"model_type": "llama"}, "model type 'llama'"),
        ({"model_type": ...}, "no model type"),
        ({"padded_vocab_size": 151552}, "GLM-4"),
        (
            {"multi_query_attention": ..., "position_encoding_2d": True, "vocab_size": 130528},
            "first-generation ChatGLM-6B",
        ),
        ({"multi_query_attention": ..., "vocab_size": 150528}, "first-generation ChatGLM-6B"),
        ({"multi_query_attention": ...}, "another generation"),
        ({"rmsnorm": False}, "LayerNorm"),
        ({"quantization_bit": 2}, '"quantization_bit": 2'),
    ],
)
def test_other_networks_are_refused_by_name(tmp_path, changes, found):
    with pytest.raises(UnsupportedModel, match=found):
        write_config(tmp_path, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_layers": 0}, '"num_layers" must be from 1 to 4096, and it is 0'),
        ({"num_layers": 10**9}, '"num_layers" must be from 1 to 4096'),
        ({"hidden_size": -4}, '"hidden_size" must be from 1'),
        ({"hidden_size": 10**30}, '"hidden_size" must be from 1'),
        ({"hidden_size": "4096"}, "\"hidden_size\" must be a whole number, and it is '4096'"),
        ({"hidden_size": 16.0}, '"hidden_size" must be a whole number'),
        ({"num_layers": True}, '"num_layers" must be a whole number'),
        ({"add_qkv_bias": 1}, '"add_qkv_bias" must be true or false'),
        ({"rope_ratio": "50"}, '"rope_ratio" must be a number'),
        ({"rope_ratio": 0}, '"rope_ratio" must be a positive number'),
        ({"rope_ratio": float("nan")}, '"rope_ratio" must be a positive number'),
        ({"rope_ratio": 10**400}, '"rope_ratio" is too large'),
        ({"layernorm_epsilon": float("inf")}, '"layernorm_epsilon" must be a positive number'),
        ({"num_attention_heads": 5}, "is not a multiple of"),
        ({"kv_channels": 6}, "multiple of 4"),
        ({"kv_channels": None, "hidden_size": 18}, "gives no head dimension"),
        ({"eos_token_id": 32}, '"eos_token_id" must be below'),
        ({"pre_seq_len": 0}, '"pre_seq_len" must be from 1'),
        ({"quantization_bit": 4, "hidden_size": 17}, "needs an even"),
    ],
)
def test_values_that_cannot_be_are_refused_in_one_sentence(tmp_path, changes, message):
    with pytest.raises(ModelFilesError, match=message) as caught:
        write_config(tmp_path, **changes)
    assert str(tmp_path / "config.json") in caught.value.message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "not valid JSON"),
        (b"[]", "does not hold a JSON object"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[" * 100_000, "reasonable size and depth"),
        (b'{"num_layers": ' + b"9" * 10_000 + b"}", "reasonable size and depth"),
    ],
)
def test_malformed_files_are_refused_in_one_sentence(tmp_path, content, message):
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(ModelFilesError, match=message):
        load_config(tmp_path)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(ModelFilesError, match=r"config\.json does not exist"):
        load_config(tmp_path)


@needs_golden
def test_golden_directories_load():
    for directory in sorted((GOLDEN / "models").iterdir()):
        config = load_config(directory)
        assert config.family.value == f"chatglm{directory.name[3]}"
        assert (config.padded_vocab_size, config.seq_length, config.groups) == (128, 512, 2)
