"""OpenVINO GenAI's continuous-batching pipeline behind the few calls that we use.

The library's types stop here: a worker adds sequences, steps, reads and cancels.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import openvino_genai as genai

from glmscope.engine.alias_graph import aliased
from glmscope.engine.call_grammar import call_grammar
from glmscope.engine.engine import LOWEST_LOGPROB, FinishReason, Sampling, Step, TokenLogprob
from glmscope.engine.json_grammar import json_grammar
from glmscope.engine.json_schema import read_json_schema
from glmscope.engine.salts import Aliases, Salts
from glmscope.errors import ModelFilesError
from glmscope.model.config import ModelConfig

Handle = Any  # openvino_genai's GenerationHandle, a name that the wheel does not export

BLOCK_TOKENS = 32
"""Tokens in a block of the CPU's paged KV cache; a sequence takes whole blocks."""

CHUNK_TOKENS = 256
"""Tokens that a step reads at most; a longer prompt is read in several."""

PIECE = Sampling(1, temperature=0.0)
"""How a piece of a prompt is read: the library makes a token of whatever it is given."""

_ACTIVATION_GROUP = 128
"""Activations that share a scale where the weights have one a row."""

_GIB = 2**30
_MOST_GRAMMAR_CHARACTERS = 1_000_000
"""With the published vocabulary the library makes some 130 MB of them, 450 at worst."""

# The library keeps settings in float32 and refuses a zero. Below this a temperature draws nothing
# but the best id (the original's demo turns sampling off here, too), a top-p keeps nothing else,
# and a penalty changes nothing further.
_TINY = 1e-5


@dataclass(frozen=True)
class PipelineSettings:
    """How a pipeline is opened; see `OpenVINOEngine.open` for what each setting means."""

    cache_tokens: int
    fast: bool
    group_size: int | None = None
    threads: int | None = None
    aliases: Aliases | None = None
    """For a prefix cache whose scopes share nothing; None is for none."""
    tokenizer: genai.Tokenizer | None = None

    def properties(self) -> dict[str, Any]:
        """Device properties; docs/performance.md says what was measured for each."""
        # The runtime's own choice, bfloat16 where the processor has it, halves decoding.
        properties: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32"}
        if self.threads is not None:
            properties["INFERENCE_NUM_THREADS"] = self.threads
        if not self.fast:
            properties["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = "0"
            properties["KV_CACHE_PRECISION"] = "f32"
        else:
            group = _ACTIVATION_GROUP if self.group_size is None else self.group_size
            properties["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = str(group)
            properties["KV_CACHE_PRECISION"] = "u8"
        return properties

    def scheduler(self) -> genai.SchedulerConfig:
        """The library's scheduler settings."""
        scheduler = genai.SchedulerConfig()
        scheduler.num_kv_blocks = -(-self.cache_tokens // BLOCK_TOKENS)
        scheduler.enable_prefix_caching = self.aliases is not None
        scheduler.dynamic_split_fuse = True
        scheduler.max_num_batched_tokens = CHUNK_TOKENS
        return scheduler


def kv_bytes_per_token(config: ModelConfig, fast: bool) -> float:
    """Bytes of KV cache that one token takes in all layers.

    Exact serving keeps float32. Fast serving keeps 8-bit numbers with a scale and a zero point in
    float32: for keys a pair for each channel of a block, for values a pair for each token.
    """
    per_token: float = config.kv_bytes_per_token(1 if fast else 4)
    if fast:
        pair = 2 * 4  # bytes
        of_keys = pair * config.head_dim / BLOCK_TOKENS
        per_token += config.num_layers * config.groups * (of_keys + pair)
    return per_token


def cache_tokens(config: ModelConfig, cache_gb: float, fast: bool) -> int:
    """How many tokens of KV cache fit into `cache_gb` GiB, a whole number of blocks."""
    per_token = kv_bytes_per_token(config, fast)
    return int(cache_gb * _GIB / per_token) // BLOCK_TOKENS * BLOCK_TOKENS


def needed_blocks(length: int, *, keeps_prefixes: bool) -> int:
    """Blocks of KV cache for a sequence that may grow to `length`.

    Whole ones, and with a prefix cache one for what begins in the middle of another sequence's.
    """
    return -(-length // BLOCK_TOKENS) + keeps_prefixes


FEWEST_SHARED = BLOCK_TOKENS + 3
"""Ids of the shortest beginning that can be shared: more than the opening is in whole blocks then,
however many virtual ids come before it."""


def shared_tokens(length: int, prefix_length: int) -> int:
    """How many of a beginning's `length` ids can be shared: those in whole blocks.

    They are filled from the first virtual id on; the last id of all is the scope's own.
    """
    return (prefix_length + length - 1) // BLOCK_TOKENS * BLOCK_TOKENS - prefix_length


class Pipeline:
    """One loaded model. Every method must be called from the same thread.

    Raises ModelFilesError when the runtime cannot load what is in the directory.
    """

    def __init__(self, directory: Path, settings: PipelineSettings) -> None:
        try:
            self._pipeline = _open(directory, settings)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1:]
            raise ModelFilesError(f"{directory} cannot be loaded: {' '.join(reason)}") from None
        self._next_request = 0
        self._grammars: set[str] = set()
        self._salts = None if settings.aliases is None else Salts(settings.aliases)
        self._blocks: int = settings.scheduler().num_kv_blocks
        self._warm_up()

    def _warm_up(self) -> None:
        """Answer once: the runtime repacks weights at their first use, which takes seconds.

        Unlike `step`, this call leaves Python to other threads.
        """
        ids = ov.Tensor(np.array([(0,)], np.int64))
        self._pipeline.generate([ids], [_generation_config(Sampling(2, temperature=0.0))])

    def add(self, prompt_ids: tuple[int, ...], sampling: Sampling, echo: bool = False) -> Handle:
        """Queue a sequence; dropping the handle cancels it.

        With `echo` the prompt is returned in front of the reply; its first id may be an alias.
        Raises ModelUnavailable where the cache has no salt left for a new scope.
        """
        return self.queue(self.salted(prompt_ids, sampling), sampling, echo)

    @property
    def reads_pieces(self) -> bool:
        """Whether `read` leaves something behind."""
        return self._salts is not None

    def salted(self, prompt_ids: tuple[int, ...], sampling: Sampling) -> tuple[int, ...]:
        """The ids that the library gets for a prompt. Raises as `add` does."""
        if self._salts is None:
            return prompt_ids
        penalized = sampling.repetition_penalty != 1.0
        return self._salts.salted(prompt_ids, sampling.cache_scope, penalized=penalized)

    def read(self, salted_ids: tuple[int, ...]) -> Handle:
        """Queue a beginning of a prompt, whole blocks, so that the prefix cache holds it."""
        return self.queue(salted_ids, PIECE)

    def queue(self, salted_ids: tuple[int, ...], sampling: Sampling, echo: bool = False) -> Handle:
        """`add` for ids that are salted already."""
        self._next_request += 1
        ids = ov.Tensor(np.array([salted_ids], np.int64))
        config = _generation_config(sampling)
        config.echo = echo
        grammar = _grammar(sampling)
        if grammar is not None:
            self._grammars.add(grammar)
            config.structured_output_config = genai.StructuredOutputConfig(grammar=grammar)
        return self._pipeline.add_request(self._next_request, ids, config)

    def step(self) -> None:
        """Run the network once over whatever the scheduler picks; every sequence may grow."""
        self._pipeline.step()

    @property
    def has_work(self) -> bool:
        """Whether any sequence is unfinished."""
        return bool(self._pipeline.has_non_finished_requests())

    def has_room(self, lengths: Sequence[int]) -> bool:
        """Whether sequences that may grow to these lengths can be there at the same time.

        Without a prefix cache the library takes any number, and lets some wait. With one it holds
        what it finds for those that wait, and drops them all where nothing else is left; so each
        gets all that it may need.
        """
        if self._salts is None or len(lengths) == 1:
            return True
        needed = sum(needed_blocks(length, keeps_prefixes=True) for length in lengths)
        return needed <= self._blocks

    @property
    def is_worn(self) -> bool:
        """Whether it should be opened anew.

        The library keeps every grammar it was ever given, and a salt is given to one scope alone.
        """
        salts_spent = self._salts is not None and self._salts.is_spent
        return salts_spent or sum(map(len, self._grammars)) > _MOST_GRAMMAR_CHARACTERS

    def cache_used(self) -> float:
        """Share of the KV cache in use, 0 to 1."""
        return float(self._pipeline.get_metrics().cache_usage) / 100.0


def _open(directory: Path, settings: PipelineSettings) -> genai.ContinuousBatchingPipeline:
    if settings.aliases is None:
        return _open_files(directory, settings)
    with aliased(directory, settings.aliases.meanings()) as copy:
        return _open_files(copy, settings)


def _open_files(directory: Path, settings: PipelineSettings) -> genai.ContinuousBatchingPipeline:
    if settings.tokenizer is None:
        return genai.ContinuousBatchingPipeline(
            str(directory), settings.scheduler(), "CPU", settings.properties()
        )
    return genai.ContinuousBatchingPipeline(
        str(directory), settings.tokenizer, settings.scheduler(), "CPU", **settings.properties()
    )


def read_step(handle: Handle, sampling: Sampling) -> Step | None:
    """What the sequence grew by since the last call, or None for nothing new."""
    ids: list[int] = []
    logprobs: list[TokenLogprob] = []
    finish: FinishReason | None = None
    while handle.can_read():
        for output in handle.read().values():
            ids.extend(output.generated_ids)
            if sampling.logprobs is not None:
                drawn = zip(output.generated_ids, output.generated_log_probs, strict=True)
                logprobs.extend(_logprob(*each, sampling.logprobs) for each in drawn)
            finish = _FINISH.get(output.finish_reason.name, finish)
    if finish == "stop" and ids and ids[-1] in sampling.stop_ids:
        end_logprob = logprobs.pop() if logprobs else None
        return Step(tuple(ids[:-1]), finish, tuple(logprobs), ids[-1], end_logprob)
    return Step(tuple(ids), finish, tuple(logprobs)) if ids or finish else None


def _logprob(token_id: int, logprob: float, alternatives: int) -> TokenLogprob:
    """The library tells the drawn id's alone, before temperature, penalties and constraints."""
    logprob = max(logprob, LOWEST_LOGPROB)
    return TokenLogprob(token_id, logprob, ((token_id, logprob),) if alternatives else ())


_FINISH: dict[str, FinishReason] = {"STOP": "stop", "LENGTH": "length"}


def _grammar(sampling: Sampling) -> str | None:
    """What the reply is held to, if it is."""
    if sampling.json_schema is not None:
        return json_grammar(read_json_schema(sampling.json_schema))
    return None if sampling.calls is None else call_grammar(sampling.calls)


def _generation_config(sampling: Sampling) -> genai.GenerationConfig:
    config = genai.GenerationConfig()
    config.max_new_tokens = sampling.max_new_tokens
    config.logprobs = 0 if sampling.logprobs is None else 1
    config.repetition_penalty = min(max(sampling.repetition_penalty, _TINY), 1 / _TINY)
    config.presence_penalty = sampling.presence_penalty
    if sampling.stop_ids:
        config.stop_token_ids = set(sampling.stop_ids)
        config.set_eos_token_id(min(sampling.stop_ids))
    else:  # the library wants an end id even where it is to be ignored
        config.set_eos_token_id(0)
        config.ignore_eos = True
    config.do_sample = sampling.temperature > _TINY
    if config.do_sample:
        config.temperature = sampling.temperature
        config.top_p = max(sampling.top_p, _TINY)
        if sampling.top_k > 0:
            config.top_k = sampling.top_k
        # The library's own default is a fixed seed.
        config.rng_seed = secrets.randbits(64) if sampling.seed is None else sampling.seed
    return config
