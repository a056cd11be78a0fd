"""The service's two ids without any model behind them."""

from __future__ import annotations

from pathlib import Path

from glmscope.chat.service import Limits, ServedModel
from glmscope.engine.script import Script
from glmscope.engine.scripted import ScriptedEngine
from glmscope.model.catalog import SERVICE_IDS, CatalogModel, lookup_model
from glmscope.text.tokenizer import Tokenizer
from glmscope.text.vocabulary import builtin_vocabulary

# Well beyond the service's limits, so that those are what a client meets.
_MAX_POSITIONS = 32768


def scripted_models(script: Path | None, tokenizer: Path | None) -> list[ServedModel]:
    """Both ids, answered by `script` in the words of `tokenizer`; built-in ones by default.

    Raises UsageError for a script, ModelFilesError for a tokenizer that cannot be used.
    """
    rules = Script.from_file(script) if script else Script.builtin()
    return [_scripted(lookup_model(name), rules, tokenizer) for name in SERVICE_IDS]


def _scripted(row: CatalogModel, script: Script, vocabulary: Path | None) -> ServedModel:
    tokenizer = (
        Tokenizer.from_file(vocabulary, row.family)
        if vocabulary
        else Tokenizer(builtin_vocabulary(), row.family)
    )
    # What a real reply of the family ends with: a role begins, or the text is over.
    special = tokenizer.special
    end_id = special.eos if special.user is None else special.user
    engine = ScriptedEngine(tokenizer.encode, tokenizer.decode, script, end_id, _MAX_POSITIONS)
    limits = Limits(row.limits.context, row.limits.input, row.limits.output)
    return ServedModel(row.id, tokenizer, engine, limits, f"a script in place of {row.name}")
