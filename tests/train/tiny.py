"""A model of a few thousand parameters and a settings file that trains it in seconds."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from glmscope.family import Family
from glmscope.model.config import ModelConfig
from glmscope.text.tokenizer import Tokenizer
from glmscope.text.vocabulary import builtin_vocabulary
from tests.support.paths import REPOSITORY

SETTINGS = """
name = "GLMScope/chatglm3-tiny"
seed = 7
pieces = 700
repetitions = 5
rounds_share = 0.5
data = "{data}"
corpus = "corpus"

[shape]
num_layers = 1
hidden_size = 32
ffn_hidden_size = 32
num_attention_heads = 2
kv_channels = 16
multi_query_group_num = 1
seq_length = 512

[shares]
short_spans = 0.3
sentences = 0.3

[corpora]
kdconv_dialogues = 1
gsm8k_train = 1

[pretrain]
steps = 6
batch_tokens = 256
lengths = [128]
matrix_rate = 1e-2
other_rate = 1e-2
warmup = 2
save_every = 2

[tune]
steps = 6
batch_tokens = 256
lengths = [128, 512]
matrix_rate = 1e-2
other_rate = 1e-2
warmup = 2
save_every = 2

[retune]
pointing_weight = 0.5
pointing_end = 0.1
symbol_weight = 3.0
steps = 4
batch_tokens = 256
lengths = [128, 512]
matrix_rate = 1e-2
other_rate = 1e-2
warmup = 2
save_every = 2

[mix]
facts = 20
chat = 20

[alignment]
prompts = 6
beta = 0.1
anchor = 1.0

[align]
steps = 3
batch_tokens = 512
lengths = [512]
matrix_rate = 1e-4
other_rate = 1e-4
warmup = 1
save_every = 2
"""


def write_settings(folder: Path) -> Path:
    """A settings file with small corpora beside it; returns its path."""
    corpus = folder / "corpus"
    corpus.mkdir()
    talk = {"messages": [{"content": "你好，今天去哪里？"}, {"content": "我想去西湖看看。很近。"}]}
    sum_ = {"question": "What is 2 and 3?", "answer": "2+3=<<2+3=5>>5\n#### 5"}
    for name, row in (("kdconv_dialogues", talk), ("gsm8k_train", sum_)):
        with gzip.open(corpus / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.write((json.dumps(row, ensure_ascii=False) + "\n") * 20)
    path = folder / "tiny.toml"
    path.write_text(SETTINGS.format(data=REPOSITORY / "train" / "data"), encoding="utf-8")
    return path


def tiny_vocabulary() -> bytes:
    """The built-in vocabulary of about a thousand pieces."""
    return builtin_vocabulary()


def tiny_tokenizer() -> Tokenizer:
    """`tiny_vocabulary` with ChatGLM3's special ids."""
    return Tokenizer(tiny_vocabulary(), Family.CHATGLM3)


def tiny_model():
    """A ChatGLM3 of random weights over `tiny_tokenizer`."""
    import torch

    from glmscope.train.initialization import initialize
    from glmscope.train.model import ChatGLM

    rows = -(-tiny_tokenizer().vocab_size // 64) * 64
    config = ModelConfig(
        family=Family.CHATGLM3,
        name="GLMScope/chatglm3-tiny",
        num_layers=2,
        hidden_size=32,
        ffn_hidden_size=64,
        kv_channels=8,
        num_attention_heads=4,
        multi_query_attention=True,
        multi_query_group_num=2,
        padded_vocab_size=rows,
        seq_length=64,
        add_qkv_bias=True,
    )
    model = ChatGLM(config)
    initialize(model, 3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4)  # attention that matters, so that leaks between documents show
    return model
