"""Between a PyTorch model and a directory in the published layout."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from glmscope.family import Family
from glmscope.model.checkpoint import Checkpoint
from glmscope.model.config import ModelConfig, load_config
from glmscope.train.model import ChatGLM

PUBLISHED_FIELDS = (
    "num_layers",
    "hidden_size",
    "ffn_hidden_size",
    "kv_channels",
    "num_attention_heads",
    "multi_query_attention",
    "multi_query_group_num",
    "padded_vocab_size",
    "seq_length",
    "layernorm_epsilon",
    "rmsnorm",
    "post_layer_norm",
    "apply_residual_connection_post_layernorm",
    "add_bias_linear",
    "add_qkv_bias",
    "eos_token_id",
    "pad_token_id",
)


def export_checkpoint(
    model: ChatGLM, tokenizer: bytes, directory: Path, dtype: torch.dtype = torch.float16
) -> None:
    """Write `config.json`, `tokenizer.model` and `model.safetensors`, as a hub would hold them."""
    directory.mkdir(parents=True, exist_ok=True)
    config = model.config
    fields = {name: getattr(config, name) for name in PUBLISHED_FIELDS} | {
        "_name_or_path": config.name,
        "model_type": "chatglm",
        "architectures": ["ChatGLMModel"],
        "original_rope": True,
        "tie_word_embeddings": False,
        "torch_dtype": str(dtype).removeprefix("torch."),
    }
    text = json.dumps(fields, indent=2) + "\n"
    (directory / "config.json").write_text(text, encoding="utf-8")
    (directory / "tokenizer.model").write_bytes(tokenizer)
    tensors = {
        name: tensor.detach().to("cpu", dtype).contiguous()
        for name, tensor in model.state_dict().items()
    }
    save_file(tensors, directory / "model.safetensors", {"format": "pt"})


def load_checkpoint(directory: Path, family: Family | None = None) -> ChatGLM:
    """A model with the weights of a directory in the published layout, in float32, on the CPU.

    Raises ModelFilesError for files that are missing, damaged or do not fit together.
    """
    config: ModelConfig = load_config(directory, family)
    model = ChatGLM(config)
    checkpoint = Checkpoint.open(directory)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(checkpoint.tensor(name).astype("float32")))
    return model
