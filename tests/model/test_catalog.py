"""The table of published models."""

from __future__ import annotations

import pytest

from glmscope.errors import ModelFilesError, UsageError
from glmscope.family import Family
from glmscope.model.catalog import (
    CATALOG,
    NANO_ID,
    SERVICE_IDS,
    Ability,
    TokenLimits,
    files_to_fetch,
    find_model,
    lookup_model,
    recognize_model,
)
from glmscope.model.config import ModelConfig, load_config
from tests.support.paths import GOLDEN, needs_golden


def test_every_name_means_one_model():
    names = [name.casefold() for model in CATALOG for name in model.names]
    assert len(names) == len(set(names))


def test_every_row_is_consistent():
    for model in CATALOG:
        limits = model.limits
        assert 0 < limits.input <= limits.context
        assert 0 < limits.output < limits.context
        assert model.modelscope.partition("/")[2] == model.huggingface.partition("/")[2]
        if not model.is_builtin:
            assert model.family.value in model.modelscope.lower()


def test_one_model_comes_with_the_package_and_says_what_it_is():
    (builtin,) = [model for model in CATALOG if model.is_builtin]
    assert builtin.id == NANO_ID
    assert builtin.names == (NANO_ID,)
    assert builtin.description == "a small demonstration model"
    # What a program may ask of the service's models is not refused by the one in their place.
    assert all(builtin.limits.output >= lookup_model(name).limits.output for name in SERVICE_IDS)


@pytest.mark.parametrize(
    ("name", "family", "limits", "modelscope", "revision"),
    [
        ("chatglm3-6b", Family.CHATGLM3, (7500, 6000, 1500), "ZhipuAI/chatglm3-6b", "v1.0.0"),
        ("chatglm-6b-v2", Family.CHATGLM2, (6500, 6500, 1500), "ZhipuAI/chatglm2-6b", "v1.0.2"),
    ],
)
def test_the_two_models_of_the_service(name, family, limits, modelscope, revision):
    model = lookup_model(name)
    assert model.family is family
    assert model.limits == TokenLimits(*limits)
    assert (model.modelscope, model.revision) == (modelscope, revision)


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("chatglm2-6b", "chatglm-6b-v2"),
        ("CHATGLM3-6B-32K", "chatglm3-6b-32k"),
        ("THUDM/chatglm3-6b-base", "chatglm3-6b-base"),
        ("ZhipuAI/chatglm2-6b", "chatglm-6b-v2"),
    ],
)
def test_other_names(name, id):
    assert lookup_model(name).id == id


def test_unknown_name():
    assert find_model("glm-4") is None
    with pytest.raises(UsageError, match=r'no model "glm-4".*chatglm3-6b, chatglm-6b-v2'):
        lookup_model("glm-4")


def test_only_roles_have_tools_and_only_base_completes():
    assert {model.id for model in CATALOG if Ability.TOOLS in model.abilities} == {
        "chatglm3-6b",
        "chatglm3-6b-32k",
        "chatglm3-6b-128k",
        "chatglm3-nano",
    }
    assert lookup_model("chatglm3-6b-base").abilities == {Ability.COMPLETION}


@pytest.mark.parametrize(
    ("family", "settings", "id"),
    [
        (Family.CHATGLM3, {"name": "THUDM/chatglm3-6b"}, "chatglm3-6b"),
        (Family.CHATGLM3, {"name": "THUDM/chatglm3-6b-128k/"}, "chatglm3-6b-128k"),
        (Family.CHATGLM3, {"name": "GLMScope/chatglm3-nano"}, "chatglm3-nano"),
        (Family.CHATGLM3, {"name": "/data/my-base-model"}, "chatglm3-6b-base"),
        (Family.CHATGLM3, {}, "chatglm3-6b"),
        (Family.CHATGLM3, {"rope_ratio": 50.0, "seq_length": 32768}, "chatglm3-6b-32k"),
        (Family.CHATGLM3, {"rope_ratio": 500.0, "seq_length": 131072}, "chatglm3-6b-128k"),
        (Family.CHATGLM2, {"name": "THUDM/chatglm2-6b"}, "chatglm-6b-v2"),
        (Family.CHATGLM2, {"name": "THUDM/chatglm2-6b", "quantization_bit": 4}, "chatglm2-6b-int4"),
        (Family.CHATGLM2, {"rope_ratio": 16.0}, "chatglm2-6b-32k"),
        # The family that the user gave outweighs the name.
        (Family.CHATGLM2, {"name": "THUDM/chatglm3-6b"}, "chatglm-6b-v2"),
    ],
)
def test_recognizing_a_checkpoint(family, settings, id):
    assert recognize_model(ModelConfig(family=family, **settings)).id == id


@needs_golden
@pytest.mark.parametrize(
    ("directory", "id"),
    [
        ("glm3_a", "chatglm3-6b"),
        ("glm3_a_int4", "chatglm3-6b"),
        ("glm3_rope4", "chatglm3-6b-32k"),
        ("glm2_b", "chatglm-6b-v2"),
        ("glm2_rope4", "chatglm2-6b-32k"),
    ],
)
def test_recognizing_golden_directories(directory, id):
    assert recognize_model(load_config(GOLDEN / "models" / directory)).id == id


def test_limits_shrink_to_the_positions_that_exist():
    limits = TokenLimits(context=7500, input=6000, output=1500)
    assert limits.within(8192) == limits
    assert limits.within(512) == TokenLimits(context=512, input=511, output=511)


def test_safetensors_are_fetched_rather_than_bin():
    shards = [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)]
    listing = [
        "README.md",
        "modeling_chatglm.py",
        "config.json",
        "tokenizer.model",
        "tokenizer_config.json",
        "model.safetensors.index.json",
        "pytorch_model.bin.index.json",
        "pytorch_model-00001-of-00001.bin",
        *reversed(shards),
    ]
    assert files_to_fetch(listing) == (
        "config.json",
        "tokenizer.model",
        "tokenizer_config.json",
        "model.safetensors.index.json",
        *shards,
    )


def test_single_bin_file_is_fetched_alone():
    listing = ["config.json", "tokenizer.model", "pytorch_model.bin", "quantization.py"]
    assert files_to_fetch(listing) == ("config.json", "tokenizer.model", "pytorch_model.bin")


@pytest.mark.parametrize(
    ("listing", "message"),
    [
        (["config.json", "pytorch_model.bin"], r"no tokenizer\.model"),
        (["config.json", "tokenizer.model", "model.gguf"], "no weights"),
    ],
)
def test_repository_that_cannot_be_used(listing, message):
    with pytest.raises(ModelFilesError, match=message):
        files_to_fetch(listing)
