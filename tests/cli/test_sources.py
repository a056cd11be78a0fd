from __future__ import annotations

from pathlib import Path

import pytest

from glmscope.cli.sources import ModelSource, parse_source
from glmscope.errors import UsageError


def test_a_directory_answers_to_its_own_id(tmp_path: Path) -> None:
    assert parse_source(str(tmp_path)) == ModelSource(None, tmp_path)


def test_an_id_can_be_given(tmp_path: Path) -> None:
    assert parse_source(f"my-glm={tmp_path}") == ModelSource("my-glm", tmp_path)


def test_a_directory_with_an_equals_sign_in_its_name(tmp_path: Path) -> None:
    odd = tmp_path / "a=b"
    odd.mkdir()
    assert parse_source(str(odd)) == ModelSource(None, odd)


def test_a_relative_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "chatglm3-6b").mkdir()
    monkeypatch.chdir(tmp_path)
    # What stands here goes before what was pulled.
    assert parse_source("chatglm3-6b") == ModelSource(None, tmp_path / "chatglm3-6b")


@pytest.mark.parametrize("name", ["chatglm-6b-v2", "chatglm2-6b", "ZhipuAI/chatglm2-6b"])
def test_a_pulled_model_by_any_of_its_names(home: Path, name: str) -> None:
    pulled = home / "models" / "chatglm-6b-v2"
    pulled.mkdir(parents=True)
    assert parse_source(name) == ModelSource("chatglm-6b-v2", pulled)
    assert parse_source(f"mine={name}") == ModelSource("mine", pulled)


def test_a_pulled_model_that_the_catalog_does_not_have(home: Path) -> None:
    pulled = home / "models" / "someone--chatglm3-tuned"
    pulled.mkdir(parents=True)
    assert parse_source("someone/chatglm3-tuned") == ModelSource(None, pulled)


def test_a_model_that_is_not_here_yet_says_how_to_fetch_it() -> None:
    with pytest.raises(UsageError, match=r"glmscope pull chatglm3-6b$"):
        parse_source("chatglm3-6b")


@pytest.mark.parametrize("text", ["no-such-place", "id=no-such-place", "=", "../models"])
def test_nonsense_says_what_would_be_understood(text: str) -> None:
    with pytest.raises(UsageError, match="a directory, ID=DIRECTORY or one of chatglm3-6b"):
        parse_source(text)
