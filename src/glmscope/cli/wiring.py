"""From options to models that answer. What an engine needs is imported when it is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glmscope import paths
from glmscope.cli.options import EngineName, ModelOptions
from glmscope.errors import UsageError
from glmscope.model.catalog import CATALOG

if TYPE_CHECKING:
    from glmscope.chat.service import ServedModel


def check_options(options: ModelOptions) -> None:
    """Raises UsageError when `options` ask for nothing, or for what does not go together."""
    if options.engine is EngineName.SCRIPTED:
        _refuse_network_options(options)
    elif options.script is not None:
        raise UsageError("--script goes with --engine scripted.")
    elif not options.models:
        raise UsageError(_nothing_to_run())


def open_models(options: ModelOptions) -> list[ServedModel]:
    """Open what `options` ask for.

    Raises UsageError as `check_options` does, and ModelFilesError for files that cannot be used.
    """
    check_options(options)
    if options.engine is EngineName.SCRIPTED:
        from glmscope.cli.scripted_models import scripted_models

        return scripted_models(options.script, options.tokenizer)
    from glmscope.cli.networks import open_networks

    return open_networks(options)


def _refuse_network_options(options: ModelOptions) -> None:
    given = {
        "--model": options.models,
        "--weights": options.weights,
        "--family": options.family,
        "--ptuning": options.prefix,
        "--cache-gb": options.cache_gb,
        "--threads": options.threads,
        "--exact/--fast": options.exact,
        "--prefix-cache": options.prefix_cache or None,
    }
    for name, value in given.items():
        if value not in (None, ()):
            raise UsageError(f"{name} is for networks; --engine scripted runs none.")


def _nothing_to_run() -> str:
    here = [row.id for row in CATALOG if (paths.models_dir() / row.id).is_dir()]
    if here:
        return f"No model is chosen; {', '.join(here)} is here: give --model {here[0]}."
    return (
        "No model is chosen: give --model DIRECTORY, or fetch one with `glmscope pull "
        "chatglm3-6b` and give --model chatglm3-6b, or try the protocol with --engine scripted."
    )
