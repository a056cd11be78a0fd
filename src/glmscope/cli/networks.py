"""From a directory to a model that answers: convert if need be, load, set limits."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from glmscope import paths
from glmscope.chat.service import Limits, ServedModel
from glmscope.cli.console import note
from glmscope.cli.memory import check_promise, plan_caches
from glmscope.cli.options import ModelOptions
from glmscope.cli.progress import byte_progress
from glmscope.cli.sources import ModelSource, parse_source
from glmscope.cli.vocabulary import vocabulary_of
from glmscope.engine.openvino import OpenVINOEngine
from glmscope.errors import ModelFilesError, UsageError
from glmscope.model.catalog import (
    NANO_ID,
    SERVICE_IDS,
    Ability,
    CatalogModel,
    find_model,
    recognize_model,
)
from glmscope.model.config import ModelConfig, load_config
from glmscope.model.convert import convert, is_converted, read_manifest
from glmscope.model.manifest import TOKENIZER_FILE, Manifest
from glmscope.text.tokenizer import Tokenizer

DEFAULT_WEIGHTS = "int4"


def open_networks(options: ModelOptions) -> list[ServedModel]:
    """Load every model that is asked for, converting published directories on first use.

    The built-in model stands in for the service's ids that no other model takes; its stand-ins
    come last. Two ids of the same directory share one engine. Raises UsageError for options that
    do not fit the directories, ModelFilesError for files that cannot be used.
    """
    sources = [parse_source(text) for text in options.models]
    if len(sources) > 1 and (options.family or options.tokenizer or options.ptuning):
        raise UsageError("--family, --tokenizer and --ptuning go with one --model only.")
    plans = [_plan(source, options) for source in sources]
    ids = [plan.id for plan in plans]
    if repeated := {each for each in ids if ids.count(each) > 1}:
        raise UsageError(
            f"Two models would answer to {repeated.pop()}: name them with ID=DIRECTORY."
        )
    plans += _stand_ins(plans)
    beginnings = _beginnings(plans, options)
    directories = {plan.id: _converted(plan, options) for plan in plans}
    # Of ids that share a directory, the last one's tokenizer tells the words: they are the same.
    tokenizers = {directories[plan.id]: plan.tokenizer for plan in plans}
    caches, promise = plan_caches({each: read_manifest(each) for each in tokenizers}, options)
    shared: dict[Path, list[list[int]]] = {directory: [] for directory in tokenizers}
    for plan in plans:
        shared[directories[plan.id]] += beginnings.get(plan.id, [])
    engines = {
        directory: _load(directory, tokenizer, options, caches[directory], shared[directory])
        for directory, tokenizer in tokenizers.items()
    }
    check_promise(promise, list(engines.values()), options)
    return [_served(plan, engines[directories[plan.id]]) for plan in plans]


def network_loader(options: ModelOptions) -> tuple[str, Callable[[], OpenVINOEngine]]:
    """What the one model of `options` is called, and what loads it; it is converted now.

    It keeps no prefixes, so that whatever is asked twice costs twice. Raises as `open_networks`
    does.
    """
    options = replace(options, prefix_cache=False)
    (text,) = options.models
    source = parse_source(text)
    plan = _plan(source, options)
    directory = _converted(plan, options)

    def load() -> OpenVINOEngine:
        caches, _ = plan_caches({directory: read_manifest(directory)}, options)
        return _load(directory, plan.tokenizer, options, caches[directory], ())

    return source.id or source.directory.name, load


@dataclass(frozen=True)
class _Plan:
    """What can be known of a source before the long work: everything that can be refused is."""

    id: str
    source: Path
    is_converted: bool
    recognized: CatalogModel
    """What the checkpoint looks like, whatever it is to be called."""
    vocabulary: Path
    tokenizer: Tokenizer
    """Reads `vocabulary`, for the network's own family."""

    @property
    def stands_in_for(self) -> CatalogModel | None:
        """The published model in whose place the built-in one is to answer."""
        named = find_model(self.id)
        return named if self.recognized.is_builtin and named is not self.recognized else None

    @cached_property
    def reader(self) -> Tokenizer:
        """Writes the prompts; the built-in model was taught those of both families."""
        replaced = self.stands_in_for
        if replaced is None or replaced.family is self.tokenizer.family:
            return self.tokenizer
        return Tokenizer.from_file(self.vocabulary, replaced.family)

    @property
    def calls_tools(self) -> bool:
        """Whether it was trained to."""
        return Ability.TOOLS in self.recognized.abilities


def _plan(source: ModelSource, options: ModelOptions) -> _Plan:
    directory = source.directory
    converted = is_converted(directory)
    if converted:
        manifest = read_manifest(directory)
        _check_fits(manifest, directory, options)
        config = manifest.config
    else:
        config = load_config(directory, options.family)
    recognized = recognize_model(config)
    vocabulary = options.tokenizer or directory / TOKENIZER_FILE
    tokenizer = _tokenizer(vocabulary, config)
    name = source.id or recognized.id
    return _Plan(name, directory, converted, recognized, vocabulary, tokenizer)


def _stand_ins(plans: list[_Plan]) -> list[_Plan]:
    builtin = next((plan for plan in plans if plan.id == plan.recognized.id == NANO_ID), None)
    if builtin is None:
        return []
    taken = {plan.id for plan in plans}
    return [replace(builtin, id=name) for name in SERVICE_IDS if name not in taken]


def _beginnings(plans: list[_Plan], options: ModelOptions) -> dict[str, list[list[int]]]:
    """By a plan's id, the ids that all keys' prompts may share; imports what requests need."""
    if not options.share_prefix:
        return {}
    from glmscope.cli.shared_prefixes import Reader, shared_beginnings

    readers = [Reader(plan.id, plan.reader, plan.calls_tools) for plan in plans]
    return shared_beginnings(options.share_prefix, readers)


def _converted(plan: _Plan, options: ModelOptions) -> Path:
    """The converted directory of a source, made now where it is not there yet."""
    if plan.is_converted:
        return plan.source
    weights = options.weights or DEFAULT_WEIGHTS
    digest = _fingerprint(plan.source, options)
    directory = paths.converted_dir() / f"{plan.source.name}-{weights}-{digest}"
    if not is_converted(directory):
        paths.make_data_dir()
        note(f"{plan.source} is converted to {weights} once, into {directory}")
        with byte_progress(f"Converting {plan.id}") as progress:
            convert(
                plan.source,
                directory,
                weights=weights,
                family=options.family,
                prefix=options.ptuning,
                progress=progress,
            )
    return directory


def _check_fits(manifest: Manifest, directory: Path, options: ModelOptions) -> None:
    """What conversion has settled cannot be asked for otherwise afterwards."""
    if options.ptuning is not None:
        raise UsageError(f"{directory} is converted already: give --ptuning to glmscope convert.")
    if options.weights not in (None, manifest.weights):
        raise UsageError(f"{directory} holds {manifest.weights} weights, not {options.weights}.")
    if options.family not in (None, manifest.family):
        raise UsageError(f"{directory} is of the family {manifest.family.value}.")


def _fingerprint(source: Path, options: ModelOptions) -> str:
    """Changes with the files of a published directory, and with what else shapes a conversion.

    By name, size and time: hashing 12 GB at every start would take longer than loading. The hashes
    are in the manifest.
    """
    facts = [str(source.resolve()), str(options.family)]
    for directory in filter(None, (source, options.ptuning)):
        for file in sorted(each for each in directory.iterdir() if each.is_file()):
            status = file.stat()
            facts.append(f"{file}\0{status.st_size}\0{status.st_mtime_ns}")
    return hashlib.sha256("\n".join(facts).encode(errors="surrogateescape")).hexdigest()[:12]


def _load(
    directory: Path,
    tokenizer: Tokenizer,
    options: ModelOptions,
    cache_gb: float | None,
    shared: Sequence[Sequence[int]],
) -> OpenVINOEngine:
    note(f"Loading {directory}")
    return OpenVINOEngine.open(
        directory,
        cache_gb=cache_gb,
        threads=options.threads,
        prefix_cache=options.prefix_cache,
        fast=None if options.exact is None else not options.exact,
        vocabulary=vocabulary_of(tokenizer),
        shared=shared,
    )


def _served(plan: _Plan, engine: OpenVINOEngine) -> ServedModel:
    recognized, replaced = plan.recognized, plan.stands_in_for
    named = recognized if replaced else find_model(plan.id) or recognized
    limits = named.limits.within(engine.max_positions)
    if Ability.CHAT not in recognized.abilities:
        note(f"{recognized.name} continues texts; it was not trained to hold a conversation.")
    return ServedModel(
        id=plan.id,
        tokenizer=plan.reader,
        engine=engine,
        limits=Limits(limits.context, limits.input, limits.output),
        name=f"{recognized.name}, {engine.manifest.weights} weights",
        description=recognized.description,
        stand_in=recognized.id if replaced else None,
        calls_tools=plan.calls_tools,
    )


def _tokenizer(path: Path, config: ModelConfig) -> Tokenizer:
    if not path.is_file():
        raise ModelFilesError(
            f"{path} is missing: the checkpoint came without its vocabulary; give --tokenizer FILE."
        )
    tokenizer = Tokenizer.from_file(path, config.family)
    if tokenizer.vocab_size > config.padded_vocab_size:
        raise ModelFilesError(
            f"{path} has {tokenizer.vocab_size} ids and the network {config.padded_vocab_size}: "
            "it belongs to another model."
        )
    return tokenizer
