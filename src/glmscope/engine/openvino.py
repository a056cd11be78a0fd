"""The engine that runs a converted model: OpenVINO GenAI's continuous batching with paged KV.

Only one thread may step the pipeline, so a worker owns it; steps travel back to the event loop
through `call_soon_threadsafe`, and the loop never waits for the network.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path

import openvino_genai as genai
import structlog

from glmscope.engine.engine import EngineAbility, EngineLoad, Sampling, Step, TokenLogprob
from glmscope.engine.json_schema import read_json_schema
from glmscope.engine.loading import load_pipeline
from glmscope.engine.pipeline import (
    BLOCK_TOKENS,
    FEWEST_SHARED,
    PipelineSettings,
    cache_tokens,
    kv_bytes_per_token,
    needed_blocks,
    shared_tokens,
)
from glmscope.engine.salts import MOST_SHARED, Aliases
from glmscope.engine.vocabulary import Vocabulary, grammar_tokenizer
from glmscope.engine.worker import Delivery, Worker, WorkerSequence
from glmscope.errors import EngineFailure, InvalidParameter, ModelUnavailable, UsageError
from glmscope.model.manifest import Manifest, read_manifest

DEFAULT_CACHE_GB = 1.0

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

MOST_FULL_SEQUENCES = 64
"""A small model could cache millions of tokens in a gigabyte; more sequences than this at full
length are never running at once."""


class OpenVINOEngine:
    """Keeps the Engine contract over a directory that `glmscope convert` made."""

    name = "openvino-cpu"

    def __init__(
        self,
        manifest: Manifest,
        worker: Worker,
        cached_tokens: int,
        abilities: frozenset[EngineAbility],
        kv_bytes_per_token: float,
        aliases: Aliases | None = None,
    ) -> None:
        config = manifest.config
        self.abilities = abilities
        self.manifest = manifest
        self.cached_tokens = cached_tokens
        self.kv_bytes_per_token = kv_bytes_per_token
        # A sequence that cannot fit the KV cache would wait for ever.
        self.max_positions = min(config.seq_length, cached_tokens - manifest.prefix_length)
        self._vocabulary = config.padded_vocab_size
        self._prefix_ids = tuple(range(self._vocabulary, self._vocabulary + manifest.prefix_length))
        self._worker = worker
        self._aliases = aliases

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        cache_gb: float | None = None,
        threads: int | None = None,
        prefix_cache: bool | None = False,
        fast: bool | None = None,
        vocabulary: Vocabulary | None = None,
        shared: Iterable[Sequence[int]] = (),
    ) -> OpenVINOEngine:
        """Load a converted model; returns when it can answer.

        `cache_gb` GiB of KV cache, shared by all sequences. `threads` defaults to the machine's
        cores. `prefix_cache` lets a prompt reuse the KV of an earlier one of its scope that begins
        the same; None does so where it can, that is where the `vocabulary` leaves ids to spare.
        `shared` are beginnings of prompts, FEWEST_SHARED ids each at least, of which all scopes
        may reuse the whole blocks, where there is no repetition penalty.
        `fast` allows int8 arithmetic and an 8-bit KV cache; by default it is on where the weights
        are rounded anyway, so that exact weights give the original's ids.
        With a `vocabulary` replies can be held to a JSON schema, and to calls of tools where it
        has ids that begin turns.

        Raises ModelFilesError for a directory that is not a whole converted model, UsageError for
        a cache too small to hold anything, for a prefix cache that is not possible, and for
        beginnings that cannot be shared.
        """
        manifest = read_manifest(directory)
        fast = not manifest.is_exact if fast is None else fast
        gigabytes = DEFAULT_CACHE_GB if cache_gb is None else cache_gb
        most = MOST_FULL_SEQUENCES * (manifest.config.seq_length + manifest.prefix_length)
        tokens = min(cache_tokens(manifest.config, gigabytes, fast), most)
        if tokens - manifest.prefix_length < 2:  # a token of a prompt and one of its reply
            raise UsageError(f"A KV cache of {gigabytes} GiB holds only {tokens} tokens.")
        tokenizer = _tokenizer(vocabulary, manifest.config.padded_vocab_size)
        aliases = _aliases(vocabulary, manifest, prefix_cache, list(map(tuple, shared)))
        settings = PipelineSettings(tokens, fast, manifest.group_size, threads, aliases, tokenizer)
        abilities: set[EngineAbility] = {"logprobs", "score"}
        if tokenizer is not None:
            abilities.add("json")
            if vocabulary is not None and vocabulary.turn_ids is not None:
                abilities.add("calls")
        worker = Worker(lambda: load_pipeline(directory, manifest, settings))
        kv_bytes = kv_bytes_per_token(manifest.config, fast)
        return cls(manifest, worker, tokens, frozenset(abilities), kv_bytes, aliases)

    def generate(self, prompt_ids: Sequence[int], sampling: Sampling) -> AsyncGenerator[Step, None]:
        """See Engine.generate.

        Log-probabilities are those of the network's own distribution, before temperature,
        penalties and constraints; the drawn id is the only alternative that is known.
        """
        return self._steps(prompt_ids, sampling)

    async def score(self, ids: Sequence[int]) -> list[TokenLogprob]:
        """See Engine.score."""
        # The library says nothing of ids that it read before: the text is read for nobody's scope.
        one = Sampling(1, temperature=0.0, logprobs=0)
        known: list[TokenLogprob] = []
        async with aclosing(self._steps(ids, one, echo=True)) as steps:
            async for step in steps:
                known.extend(step.logprobs)
        # The first entry stands for nothing, the last one for the id that was generated.
        return known[len(self._prefix_ids) + 1 : -1]

    async def _steps(
        self, prompt_ids: Sequence[int], sampling: Sampling, echo: bool = False
    ) -> AsyncGenerator[Step, None]:
        self._check(prompt_ids, sampling)
        deliveries: asyncio.Queue[Delivery] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def deliver(item: Delivery) -> None:
            with suppress(RuntimeError):  # the loop has closed, and its readers are gone
                loop.call_soon_threadsafe(deliveries.put_nowait, item)

        sequence = WorkerSequence((*self._prefix_ids, *prompt_ids), sampling, deliver, echo)
        if not self._worker.submit(sequence):
            raise ModelUnavailable()
        try:
            finish = None
            while finish is None:
                item = await deliveries.get()
                if not isinstance(item, Step):
                    raise item
                finish = item.finish
                yield item
        finally:
            self._worker.cancel(sequence)

    def fit_at_once(self, tokens: int) -> int:
        """How many sequences of so many tokens, replies included, run side by side; at least 1."""
        length = len(self._prefix_ids) + tokens
        blocks = needed_blocks(length, keeps_prefixes=self._aliases is not None)
        return max(1, self.cached_tokens // BLOCK_TOKENS // blocks)

    def load(self) -> EngineLoad:
        """See Engine.load."""
        return self._worker.load()

    async def close(self) -> None:
        """See Engine.close."""
        await asyncio.to_thread(self._worker.close)

    def _check(self, prompt_ids: Sequence[int], sampling: Sampling) -> None:
        """Refuse what the pipeline would misread without a word; chat never asks for it."""
        if not prompt_ids or min(prompt_ids) < 0 or max(prompt_ids) >= self._vocabulary:
            raise EngineFailure("The prompt is empty or holds an id that the model does not have.")
        if self._aliases is not None and not self._aliases.fit(tuple(prompt_ids)):
            raise EngineFailure("With a prefix cache, prompts begin as texts and chats do.")
        if len(prompt_ids) + sampling.max_new_tokens > self.max_positions:
            raise EngineFailure(
                f"Prompt and reply together may hold {self.max_positions} tokens here."
            )
        if sampling.json_schema is not None:
            if "json" not in self.abilities:
                raise InvalidParameter("This model was loaded without what JSON replies need.")
            read_json_schema(sampling.json_schema)
        if sampling.calls is not None and "calls" not in self.abilities:
            raise InvalidParameter("This model was loaded without what held calls need.")


def _aliases(
    vocabulary: Vocabulary | None,
    manifest: Manifest,
    wanted: bool | None,
    shared: list[tuple[int, ...]],
) -> Aliases | None:
    """What a prefix cache needs, if there is to be one. Raises UsageError where it cannot be."""
    if wanted is False:
        if shared:
            raise UsageError("Beginnings of prompts can be shared where there is a prefix cache.")
        return None
    if vocabulary is not None and vocabulary.opening is not None:
        aliases = Aliases(
            vocabulary.opening,
            len(vocabulary.pieces),
            manifest.config.padded_vocab_size,
            manifest.prefix_length,
        )
        if aliases.is_possible:
            return replace(aliases, shared=_whole_blocks(aliases, shared))
    reason = "A prefix cache needs a network with ids that its vocabulary leaves free."
    if wanted or shared:
        raise UsageError(reason)
    _log.warning("prefix_cache_unavailable", reason=reason)
    return None


def _whole_blocks(aliases: Aliases, shared: list[tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
    """Beginnings as `Aliases` has them."""
    virtual = range(aliases.vocabulary, aliases.vocabulary + aliases.prefix_length)
    whole: list[tuple[int, ...]] = []
    for ids in shared:
        if len(ids) < FEWEST_SHARED or not aliases.fit(ids):
            raise UsageError(
                f"What is shared begins as prompts do and holds {FEWEST_SHARED} ids or more."
            )
        tokens = shared_tokens(len(ids), aliases.prefix_length)
        whole.append((*virtual, *ids[: tokens + 1]))
    distinct = tuple(dict.fromkeys(whole))
    if len(distinct) > MOST_SHARED:
        raise UsageError(f"No more than {MOST_SHARED} beginnings of prompts can be shared.")
    return distinct


def _tokenizer(vocabulary: Vocabulary | None, size: int) -> genai.Tokenizer | None:
    if vocabulary is None:
        return None
    try:
        return grammar_tokenizer(vocabulary, size)
    except OSError as error:
        _log.warning("json_unavailable", reason=error.strerror)
        return None
