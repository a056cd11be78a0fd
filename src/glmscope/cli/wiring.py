"""From options to models that answer. What an engine needs is imported when it is chosen."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from glmscope import nano, paths
from glmscope.cli.options import EngineName, ModelOptions
from glmscope.errors import UsageError
from glmscope.model.catalog import CATALOG, NANO_ID

if TYPE_CHECKING:
    from glmscope.chat.service import ServedModel


def open_models(options: ModelOptions) -> list[ServedModel]:
    """Open what `options` ask for, and the built-in model where they ask for none.

    Raises UsageError as `models_opener` does, and ModelFilesError for files that cannot be used.
    """
    return models_opener(options)()


def models_opener(options: ModelOptions) -> Callable[[], list[ServedModel]]:
    """What `open_models` does, with all of its imports done and none of its work.

    Raises UsageError when `options` ask for what is not here, or does not go together.
    """
    _check(options)
    if options.engine is EngineName.SCRIPTED:
        from glmscope.cli.scripted_models import scripted_models

        return partial(scripted_models, options.script, options.tokenizer)
    from glmscope.cli.networks import open_networks

    if not options.models:
        options = dataclasses.replace(options, models=(NANO_ID,))
    return partial(open_networks, options)


def _check(options: ModelOptions) -> None:
    if options.engine is EngineName.SCRIPTED:
        _refuse_network_options(options)
    elif options.script is not None:
        raise UsageError("--script goes with --engine scripted.")
    elif options.share_prefix and options.prefix_cache is False:
        raise UsageError("--share-prefix needs the prefix cache, which --no-prefix-cache puts out.")
    elif not options.models and not nano.is_here():
        raise UsageError(_nothing_to_run())


def _refuse_network_options(options: ModelOptions) -> None:
    given = {
        "--model": options.models,
        "--weights": options.weights,
        "--family": options.family,
        "--ptuning": options.ptuning,
        "--cache-gb": options.cache_gb,
        "--memory": options.memory,
        "--threads": options.threads,
        "--exact/--fast": options.exact,
        "--prefix-cache/--no-prefix-cache": options.prefix_cache,
        "--share-prefix": options.share_prefix,
    }
    for name, value in given.items():
        if value not in (None, ()):
            raise UsageError(f"{name} is for networks; --engine scripted runs none.")


def pulled_models() -> list[str]:
    """Ids of the catalog whose checkpoints were fetched to this machine."""
    return [row.id for row in CATALOG if (paths.models_dir() / row.id).is_dir()]


def _nothing_to_run() -> str:
    if here := pulled_models():
        return f"No model is chosen; {', '.join(here)} is here: give --model {here[0]}."
    return (
        "No model is chosen: give --model DIRECTORY, or fetch one with `glmscope pull "
        "chatglm3-6b` and give --model chatglm3-6b, or try the protocol with --engine scripted."
    )
