from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from glmscope.cli.options import EngineName, ModelOptions
from glmscope.cli.wiring import open_models
from glmscope.errors import ModelFilesError, UsageError
from glmscope.family import Family
from tests.support.paths import TOKENIZER, needs_tokenizer

SCRIPTED = EngineName.SCRIPTED


def test_the_scripted_engine_answers_as_both_models_of_the_service() -> None:
    third, second = open_models(ModelOptions(engine=SCRIPTED))
    assert (third.id, third.tokenizer.family) == ("chatglm3-6b", Family.CHATGLM3)
    assert (second.id, second.tokenizer.family) == ("chatglm-6b-v2", Family.CHATGLM2)
    assert (third.limits.context, third.limits.input, third.limits.output) == (7500, 6000, 1500)
    assert second.limits.context == 6500


@needs_tokenizer
def test_the_scripted_engine_speaks_in_a_given_vocabulary() -> None:
    third, _second = open_models(ModelOptions(engine=SCRIPTED, tokenizer=TOKENIZER))
    assert len(third.tokenizer.encode("介绍下杭州")) == 4


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"models": (".",)}, "--model"),
        ({"weights": "int8"}, "--weights"),
        ({"family": Family.CHATGLM2}, "--family"),
        ({"ptuning": Path()}, "--ptuning"),
        ({"cache_gb": 2.0}, "--cache-gb"),
        ({"threads": 1}, "--threads"),
        ({"exact": False}, "--exact/--fast"),
        ({"prefix_cache": True}, "--prefix-cache/--no-prefix-cache"),
        ({"prefix_cache": False}, "--prefix-cache/--no-prefix-cache"),
    ],
)
def test_the_scripted_engine_ignores_no_option(options: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageError, match=f"^{named} is for networks"):
        open_models(ModelOptions(engine=SCRIPTED, **options))


def test_a_network_follows_no_script(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--script goes with --engine scripted"):
        open_models(ModelOptions(models=(str(tmp_path),), script=tmp_path / "script.json"))


def test_a_script_or_vocabulary_that_is_not_there(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(UsageError, match="Cannot read the script"):
        open_models(ModelOptions(engine=SCRIPTED, script=missing))
    with pytest.raises(ModelFilesError, match="Cannot read the tokenizer"):
        open_models(ModelOptions(engine=SCRIPTED, tokenizer=missing))
