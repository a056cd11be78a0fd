"""Networks opened as commands open them: from a published layout to tokens."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from glmscope.chat.service import ServedModel
from glmscope.cli import memory
from glmscope.cli.options import ModelOptions
from glmscope.cli.wiring import open_models
from glmscope.engine.engine import Sampling
from glmscope.engine.openvino import OpenVINOEngine
from glmscope.engine.vocabulary import Vocabulary
from glmscope.errors import ModelFilesError, UsageError
from glmscope.family import Family
from glmscope.model.convert import convert
from tests.support.paths import REPOSITORY, TOKENIZER, needs_tokenizer


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete published layout, made by the script that `make demo` uses; not to be changed."""
    directory = tmp_path_factory.mktemp("published") / "tiny"
    script = REPOSITORY / "scripts" / "synthetic_checkpoint.py"
    subprocess.run([sys.executable, str(script), str(directory), "--variant", "tiny"], check=True)
    return directory


@contextmanager
def opened(options: ModelOptions) -> Iterator[list[ServedModel]]:
    models = open_models(options)
    try:
        yield models
    finally:
        for engine in {id(model.engine): model.engine for model in models}.values():
            asyncio.run(engine.close())


def converted_directories(home: Path) -> list[Path]:
    return [each for each in (home / "converted").iterdir() if not each.name.startswith(".")]


async def some_ids(model: ServedModel) -> list[int]:
    prompt = model.tokenizer.encode_with_prefix("你好")
    steps = model.engine.generate(prompt, Sampling(max_new_tokens=5, temperature=0))
    return [token_id async for step in steps for token_id in step.ids]


def test_a_published_directory_is_converted_once_and_answers(published: Path, home: Path) -> None:
    options = ModelOptions(models=(str(published),), cache_gb=0.05)
    with opened(options) as (model,):
        assert model.id == "chatglm3-6b"
        assert model.name == "ChatGLM3-6B, int4 weights"
        # The tiny network has 2048 positions, fewer than the service's limits.
        assert (model.limits.context, model.limits.output) == (2048, 1500)
        ids = asyncio.run(some_ids(model))
        assert len(ids) == 5
    (directory,) = converted_directories(home)
    written = directory.stat().st_mtime_ns
    with opened(options) as (model,):
        assert asyncio.run(some_ids(model)) == ids
    assert converted_directories(home) == [directory]
    assert directory.stat().st_mtime_ns == written


def test_how_it_is_run_reaches_the_engine(
    published: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, object]] = []

    def open_engine(directory: Path, **settings: object) -> OpenVINOEngine:
        vocabulary = settings.pop("vocabulary")
        assert isinstance(vocabulary, Vocabulary)
        assert vocabulary.pieces[vocabulary.end_id] == b""
        assert "你".encode() in b"".join(vocabulary.pieces)
        asked.append(settings)
        return real(directory, cache_gb=0.05)

    real = OpenVINOEngine.open
    monkeypatch.setattr(OpenVINOEngine, "open", open_engine)
    monkeypatch.setattr(memory, "machine_memory", lambda: None)
    for options in (
        ModelOptions(models=(str(published),)),
        ModelOptions(
            models=(str(published),), threads=1, exact=True, prefix_cache=True, cache_gb=0.1
        ),
    ):
        with opened(options):
            pass
    assert asked == [
        {"cache_gb": None, "threads": None, "prefix_cache": None, "fast": None, "shared": []},
        {"cache_gb": 0.1, "threads": 1, "prefix_cache": True, "fast": False, "shared": []},
    ]


def test_other_weights_and_changed_files_are_converted_anew(
    published: Path, home: Path, tmp_path: Path
) -> None:
    source = tmp_path / "copy"
    shutil.copytree(published, source)
    with opened(ModelOptions(models=(str(source),), cache_gb=0.05)):
        pass
    with opened(ModelOptions(models=(str(source),), weights="fp16", cache_gb=0.05)) as (model,):
        assert model.name == "ChatGLM3-6B, fp16 weights"
    assert len(converted_directories(home)) == 2
    config = source / "config.json"
    config.write_text(config.read_text().replace('"seq_length": 2048', '"seq_length": 1024'))
    with opened(ModelOptions(models=(str(source),), cache_gb=0.05)) as (model,):
        assert model.limits.context == 1024
    assert len(converted_directories(home)) == 3


def test_a_converted_directory_under_two_ids_is_loaded_once(
    published: Path, home: Path, tmp_path: Path
) -> None:
    ready = tmp_path / "ready"
    convert(published, ready, weights="int8")
    options = ModelOptions(models=(f"chatglm3-6b={ready}", f"mine={ready}"), cache_gb=0.05)
    with opened(options) as (one, other):
        assert (one.id, other.id) == ("chatglm3-6b", "mine")
        assert one.engine is other.engine
        assert "int8" in one.name
    assert not (home / "converted").exists()
    with pytest.raises(UsageError, match="holds int8 weights, not int4"):
        open_models(ModelOptions(models=(str(ready),), weights="int4"))
    with pytest.raises(UsageError, match="is of the family chatglm3"):
        open_models(ModelOptions(models=(str(ready),), family=Family.CHATGLM2))
    with pytest.raises(UsageError, match="--ptuning"):
        open_models(ModelOptions(models=(str(ready),), ptuning=tmp_path))


def test_two_models_of_one_id_are_refused_before_any_work(published: Path, home: Path) -> None:
    with pytest.raises(UsageError, match="Two models would answer to chatglm3-6b"):
        open_models(ModelOptions(models=(str(published), f"chatglm3-6b={published}")))
    assert not home.exists()


def test_options_for_one_model_are_refused_for_two(published: Path) -> None:
    options = ModelOptions(models=(f"a={published}", f"b={published}"), family=Family.CHATGLM3)
    with pytest.raises(UsageError, match="go with one --model only"):
        open_models(options)


def test_an_unknown_weight_format_names_the_known_ones(published: Path) -> None:
    with pytest.raises(UsageError, match="int4"):
        open_models(ModelOptions(models=(str(published),), weights="int3"))


def test_a_checkpoint_without_its_vocabulary_asks_for_one(
    published: Path, home: Path, tmp_path: Path
) -> None:
    source = tmp_path / "bare"
    shutil.copytree(published, source, ignore=shutil.ignore_patterns("tokenizer.model"))
    with pytest.raises(ModelFilesError, match=r"tokenizer\.model is missing.*--tokenizer FILE"):
        open_models(ModelOptions(models=(str(source),), cache_gb=0.05))
    assert not home.exists()  # said before the conversion, not after it
    given = ModelOptions(
        models=(str(source),), tokenizer=published / "tokenizer.model", cache_gb=0.05
    )
    with opened(given) as (model,):
        assert model.tokenizer.encode("你好")


@needs_tokenizer
def test_a_vocabulary_larger_than_the_network_is_refused(published: Path) -> None:
    with pytest.raises(ModelFilesError, match="64798 ids and the network"):
        open_models(ModelOptions(models=(str(published),), tokenizer=TOKENIZER, cache_gb=0.05))
