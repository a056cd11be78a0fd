"""What `glmscope serve` prints when it answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from glmscope import __version__
from glmscope.cli.keys import export_lines
from glmscope.cli.options import EngineName
from glmscope.cli.wiring import pulled_models

if TYPE_CHECKING:
    from glmscope.chat.service import ServedModel
    from glmscope.server.replay import Replay
    from glmscope.store.keys import KeyStore


def start_card(
    models: list[ServedModel],
    url: str,
    keys: KeyStore | None,
    replay: Replay | None = None,
    fit: Iterable[str] = (),
) -> Iterator[str]:
    """What a person needs to know, line by line. An empty key store gets its first key here.

    `fit`: lines about what of the models fits this machine.
    """
    yield f"GLMScope {__version__} answers at {url}"
    width = max((len(model.id) for model in models), default=0)
    for model in models:
        limits = model.limits
        yield (
            f"  {model.id:{width}}  {model.name} ({model.engine.name}): "
            f"{limits.context} tokens in all, {limits.input} in, {limits.output} out"
        )
    if replay is not None:
        yield f"  No model is here: answers come from recorded exchanges, {len(replay)} in all."
    elif all(model.engine.name == EngineName.SCRIPTED.value for model in models):
        yield "  No model is behind these ids: the replies are a script's."
    else:
        yield from _small_model_lines(models)
    yield from fit
    yield ""
    yield from _client_lines(url, keys)


def _small_model_lines(models: list[ServedModel]) -> Iterator[str]:
    """That the built-in model answers, in whose place, and how to have another."""
    told = next((model for model in models if model.description), None)
    if told is None:
        return
    replaced = [model.id for model in models if model.stand_in is not None]
    place = f", here in place of {' and '.join(replaced)}" if replaced else ""
    yield f"  {told.stand_in or told.id} is {told.description}{place}."
    if here := [name for name in pulled_models() if name in replaced]:
        yield f"  {here[0]} itself is on this machine: --model {here[0]} serves it."
    elif replaced:
        yield "  --model serves a published checkpoint; glmscope pull chatglm3-6b fetches one."


def _client_lines(url: str, keys: KeyStore | None) -> Iterator[str]:
    if keys is None:
        yield "No key is checked, but the SDKs want one:"
        yield from export_lines(url, "none")
    elif keys.is_empty():
        yield "The first API key, shown this once:"
        yield from export_lines(url, keys.create("default").key)
    else:
        yield "With a key that you were shown (glmscope keys create makes another):"
        yield export_lines(url, "")[1]
