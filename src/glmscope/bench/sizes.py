"""What is to be measured of a network, and what of it fits."""

from __future__ import annotations

from dataclasses import dataclass, replace

from glmscope.engine.pipeline import CHUNK_TOKENS

_SLACK_TOKENS = 8


@dataclass(frozen=True, slots=True)
class Sizes:
    """What is measured of every network."""

    prefill: tuple[int, ...] = (128, 512, 2048, 8192)
    """Tokens of prompts."""
    streams: tuple[int, ...] = (1, 2, 4, 8, 16)
    """Sequences that are decoded side by side."""
    context: int = 32
    """Tokens of the prompt that each of them begins with."""
    new: int = 32
    """Tokens that each of them decodes while it is timed."""


def fitting(sizes: Sizes, positions: int, cached_tokens: int) -> tuple[Sizes, list[str]]:
    """What of `sizes` fits a network of so many positions and tokens of KV cache.

    The rest is told in sentences.
    """
    left_out = []
    prefill = []
    for tokens in sizes.prefill:
        if tokens < positions:
            prefill.append(tokens)
        else:
            left_out.append(f"prefill {tokens} is left out: {positions} positions are fewer.")
    streams = []
    for count in sizes.streams:
        # While some read their prompts, the first ones decode already, a token a step.
        reading = count * (1 + sizes.context // CHUNK_TOKENS)
        each = sizes.context + reading + sizes.new + _SLACK_TOKENS
        if each > positions:
            left_out.append(f"decode ×{count} is left out: {each} positions a stream do not fit.")
        elif count * each > cached_tokens:
            left_out.append(
                f"decode ×{count} is left out: the KV cache holds {cached_tokens} tokens, and "
                f"{count * each} are needed; --cache-gb makes it larger."
            )
        else:
            streams.append(count)
    return replace(sizes, prefill=tuple(prefill), streams=tuple(streams)), left_out
