"""The models that are known, one row each: what they are called, where they lie, what they can do.

Source: model specification, sections 1 and 4; DashScope protocol, section 3.1.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from glmscope.errors import ModelFilesError, UsageError
from glmscope.family import Family
from glmscope.model.config import ModelConfig


class Ability(enum.Enum):
    """What a model was trained to do."""

    CHAT = "chat"
    TOOLS = "tools"  # tool calls and the code interpreter
    COMPLETION = "completion"  # a base model: continues plain text, knows no roles


@dataclass(frozen=True)
class TokenLimits:
    """Most tokens of a request: prompt and answer together, prompt alone, answer alone."""

    context: int
    input: int
    output: int

    def within(self, positions: int) -> TokenLimits:
        """The same limits in a checkpoint of `positions` positions (its `seq_length`).

        One position is kept for the other side, so that a prompt can be answered at all.
        """
        context = min(self.context, positions)
        return TokenLimits(context, min(self.input, context - 1), min(self.output, context - 1))


@dataclass(frozen=True)
class CatalogModel:
    """One published model, or the small one that comes with this package and lies on no hub.

    `id` is what clients call it: the DashScope id where the service has the model, else ours.
    `weight_bytes` is the size of its published weights, without their containers.
    `description` is what people have to know of it.
    """

    id: str
    name: str
    family: Family
    modelscope: str  # this and the next two are empty where the model lies on no hub
    revision: str  # on ModelScope
    huggingface: str
    limits: TokenLimits
    abilities: frozenset[Ability]
    aliases: tuple[str, ...] = ()
    weight_bytes: int = 12_487_168_064
    description: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that it may be asked for by."""
        names = (self.id, *self.aliases, self.modelscope, self.huggingface)
        return tuple(name for name in names if name)

    @property
    def is_builtin(self) -> bool:
        """Whether it comes with this package instead of from a hub."""
        return not self.modelscope


# The service leaves 692 of ChatGLM3-6B's 8192 positions unused, and lets prompts have what answers
# leave. The rows that the service does not have follow the same rule, from their own seq_length.
_RESERVE = 8192 - 7500


def _limits(seq_length: int, output: int) -> TokenLimits:
    context = seq_length - _RESERVE
    return TokenLimits(context, context - output, output)


_CHATGLM2_LIMITS = TokenLimits(context=6500, input=6500, output=1500)
_LONG_OUTPUT = 4096

_ROUNDS = frozenset({Ability.CHAT})
_ROLES = frozenset({Ability.CHAT, Ability.TOOLS})
_BASE = frozenset({Ability.COMPLETION})

SERVICE_IDS = ("chatglm3-6b", "chatglm-6b-v2")
"""The ids under which the DashScope service offered these models."""

NANO_ID = "chatglm3-nano"

CATALOG: tuple[CatalogModel, ...] = (
    CatalogModel(
        id="chatglm3-6b",
        name="ChatGLM3-6B",
        family=Family.CHATGLM3,
        modelscope="ZhipuAI/chatglm3-6b",
        revision="v1.0.0",
        huggingface="THUDM/chatglm3-6b",
        limits=TokenLimits(context=7500, input=6000, output=1500),
        abilities=_ROLES,
    ),
    CatalogModel(
        id="chatglm-6b-v2",
        name="ChatGLM2-6B",
        family=Family.CHATGLM2,
        modelscope="ZhipuAI/chatglm2-6b",
        revision="v1.0.2",
        huggingface="THUDM/chatglm2-6b",
        limits=_CHATGLM2_LIMITS,
        abilities=_ROUNDS,
        aliases=("chatglm2-6b",),
    ),
    CatalogModel(
        id="chatglm3-6b-32k",
        name="ChatGLM3-6B-32K",
        family=Family.CHATGLM3,
        modelscope="ZhipuAI/chatglm3-6b-32k",
        revision="master",
        huggingface="THUDM/chatglm3-6b-32k",
        limits=_limits(32768, _LONG_OUTPUT),
        abilities=_ROLES,
    ),
    CatalogModel(
        id="chatglm3-6b-128k",
        name="ChatGLM3-6B-128K",
        family=Family.CHATGLM3,
        modelscope="ZhipuAI/chatglm3-6b-128k",
        revision="master",
        huggingface="THUDM/chatglm3-6b-128k",
        limits=_limits(131072, _LONG_OUTPUT),
        abilities=_ROLES,
    ),
    CatalogModel(
        id="chatglm3-6b-base",
        name="ChatGLM3-6B-Base",
        family=Family.CHATGLM3,
        modelscope="ZhipuAI/chatglm3-6b-base",
        revision="master",
        huggingface="THUDM/chatglm3-6b-base",
        limits=_limits(8192, 1500),
        abilities=_BASE,
    ),
    CatalogModel(
        id="chatglm2-6b-32k",
        name="ChatGLM2-6B-32K",
        family=Family.CHATGLM2,
        modelscope="ZhipuAI/chatglm2-6b-32k",
        revision="master",
        huggingface="THUDM/chatglm2-6b-32k",
        limits=_limits(32768, _LONG_OUTPUT),
        abilities=_ROUNDS,
    ),
    CatalogModel(
        id="chatglm2-6b-int4",
        name="ChatGLM2-6B-INT4",
        family=Family.CHATGLM2,
        modelscope="ZhipuAI/chatglm2-6b-int4",
        revision="master",
        huggingface="THUDM/chatglm2-6b-int4",
        limits=_CHATGLM2_LIMITS,
        abilities=_ROUNDS,
        weight_bytes=3_923_601_472,
    ),
    CatalogModel(
        id=NANO_ID,
        name="ChatGLM3-nano",
        family=Family.CHATGLM3,
        modelscope="",
        revision="",
        huggingface="",
        # It stands in for the service's models, so that a program which asks for the longest
        # answer that those give is not refused.
        limits=TokenLimits(context=2048, input=1500, output=1500),
        abilities=_ROLES,
        weight_bytes=37_870_336,
        description="a small demonstration model",
    ),
)

# What a repository must hold besides weights, and what is taken along if it is there.
REQUIRED_FILES = ("config.json", "tokenizer.model")
OPTIONAL_FILES = ("tokenizer_config.json",)
# Ways in which weights are published, best first: the file that says a set is there, its pattern.
_WEIGHT_SETS = (
    ("model.safetensors", "model.safetensors"),
    ("model.safetensors.index.json", "model-*-of-*.safetensors"),
    ("pytorch_model.bin", "pytorch_model.bin"),
    ("pytorch_model.bin.index.json", "pytorch_model-*-of-*.bin"),
)


def find_model(name: str) -> CatalogModel | None:
    """The row called `name`: an id, an alias or a repository id, in any case; None if unknown."""
    wanted = name.casefold()
    for model in CATALOG:
        if wanted in (known.casefold() for known in model.names):
            return model
    return None


def lookup_model(name: str) -> CatalogModel:
    """As `find_model`, raising UsageError with the known ids for a name that is not known."""
    model = find_model(name)
    if model is None:
        raise UsageError(
            f'There is no model "{name}" in the catalog; it has '
            f"{', '.join(model.id for model in CATALOG)}."
        )
    return model


def recognize_model(config: ModelConfig) -> CatalogModel:
    """The row that a checkpoint of `config` looks most like, whatever its size.

    By the name that the configuration gives itself; failing that by family, storage and rotary
    settings. A base model is only known by name.
    """
    named = find_model(config.name.rstrip("/").rpartition("/")[2])
    if named is not None and named.family is config.family and not config.is_quantized:
        return named
    if config.family is Family.CHATGLM2:
        if config.rope_ratio > 1:
            return lookup_model("chatglm2-6b-32k")
        return lookup_model("chatglm2-6b-int4" if config.quantization_bit == 4 else "chatglm2-6b")
    if "base" in config.name.lower():
        return lookup_model("chatglm3-6b-base")
    if config.rope_ratio > 1:
        long = config.seq_length > 32768
        return lookup_model("chatglm3-6b-128k" if long else "chatglm3-6b-32k")
    return lookup_model("chatglm3-6b")


def files_to_fetch(listing: Iterable[str]) -> tuple[str, ...]:
    """Which files of a repository a model needs: its texts and one set of weights.

    `listing` holds the names of all files there. Safetensors are preferred to `.bin`. Raises
    ModelFilesError when a required file or every kind of weights is missing.
    """
    present = list(listing)
    missing = [name for name in REQUIRED_FILES if name not in present]
    if missing:
        raise ModelFilesError(f"The repository has no {missing[0]}.")
    texts = [name for name in (*REQUIRED_FILES, *OPTIONAL_FILES) if name in present]
    for entry, pattern in _WEIGHT_SETS:
        if entry in present:
            weights = sorted(name for name in present if fnmatchcase(name, pattern))
            return tuple(dict.fromkeys((*texts, entry, *weights)))
    raise ModelFilesError("The repository has no weights in a format that can be read.")
