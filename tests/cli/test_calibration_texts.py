"""Calibration texts: which lines are taken, as which ids, and which are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from glmscope.cli.calibration_texts import read_calibration_texts
from glmscope.cli.convert import convert
from glmscope.errors import UsageError
from glmscope.family import Family
from glmscope.model.calibration import calibration_bytes
from glmscope.model.config import load_config
from glmscope.text.prompt import PromptMessage, chatglm2_text, chatglm3_dialogue
from glmscope.text.vocabulary import builtin_vocabulary
from tests.support.checkpoints import write_config
from tests.support.tokenizers import builtin_tokenizer

DIALOGUE = [
    {"role": "user", "content": "你好"},
    {"role": "assistant", "content": "hello"},
    {"role": "user", "content": "again"},
    {"role": "assistant", "content": "bye"},
]


def write(path: Path, *rows: Any) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n", encoding="utf-8")
    return path


def test_both_kinds_of_lines_as_the_model_reads_them(tmp_path: Path) -> None:
    path = write(tmp_path / "texts.jsonl", {"messages": DIALOGUE, "id": "x"}, {"text": "plain"})
    glm3, glm2 = builtin_tokenizer(Family.CHATGLM3), builtin_tokenizer(Family.CHATGLM2)
    messages = [PromptMessage(row["role"], row["content"]) for row in DIALOGUE]  # type: ignore[arg-type]
    dialogue, plain = read_calibration_texts(path, glm3, 8, 500).ids
    assert dialogue == chatglm3_dialogue(glm3, messages)[0]
    assert plain == glm3.encode_with_prefix("plain")
    dialogue, _ = read_calibration_texts(path, glm2, 8, 500).ids
    assert dialogue == glm2.encode_pair(chatglm2_text([("你好", "hello")], "again"), "bye")


def test_texts_are_spread_over_the_file_and_cut(tmp_path: Path) -> None:
    tokenizer = builtin_tokenizer(Family.CHATGLM3)
    path = write(tmp_path / "texts.jsonl", *({"text": "ab" * n} for n in range(1, 11)))
    texts = read_calibration_texts(path, tokenizer, 5, 8)
    whole = [tokenizer.encode_with_prefix("ab" * n) for n in (1, 3, 5, 7, 9)]
    assert texts.ids == [ids[:8] for ids in whole]
    cut = sum(len(ids) > 8 for ids in whole)
    assert 0 < cut < 5
    assert str(texts) == f"Calibrating on 5 texts of 10, {texts.tokens} tokens, {cut} of them cut."


@pytest.mark.parametrize(
    "row",
    [
        [],
        {"id": 1},
        {"text": 3},
        {"text": "both", "messages": DIALOGUE},
        {"messages": []},
        {"messages": [{"role": "wizard", "content": "x"}]},
        {"messages": [{"role": "user"}]},
        {"messages": 5},
        {"messages": [5]},
    ],
    ids=str,
)
def test_a_line_that_is_no_text_is_named(tmp_path: Path, row: object) -> None:
    path = write(tmp_path / "texts.jsonl", {"text": "good"}, row)
    with pytest.raises(UsageError, match=r"texts\.jsonl, line 2 is no calibration text") as raised:
        read_calibration_texts(path, builtin_tokenizer(Family.CHATGLM3), 8, 500)
    assert "Error" not in str(raised.value)


@pytest.mark.parametrize("roles", [["user"], ["system", "user"], ["assistant", "user"]], ids=str)
def test_chatglm2_has_two_roles_in_turn(tmp_path: Path, roles: list[str]) -> None:
    messages = [{"role": role, "content": "x"} for role in roles]
    path = write(tmp_path / "texts.jsonl", {"messages": messages})
    with pytest.raises(UsageError, match="user and assistant in turn"):
        read_calibration_texts(path, builtin_tokenizer(Family.CHATGLM2), 8, 500)


def test_files_without_texts(tmp_path: Path) -> None:
    tokenizer = builtin_tokenizer(Family.CHATGLM3)
    with pytest.raises(UsageError, match="holds no text"):
        read_calibration_texts(write(tmp_path / "empty.jsonl"), tokenizer, 8, 500)
    with pytest.raises(UsageError, match=r"absent\.jsonl cannot be read: No such file"):
        read_calibration_texts(tmp_path / "absent.jsonl", tokenizer, 8, 500)
    (tmp_path / "bytes.jsonl").write_bytes(b"\xff")
    with pytest.raises(UsageError, match="it is not UTF-8"):
        read_calibration_texts(tmp_path / "bytes.jsonl", tokenizer, 8, 500)


def refusal(*arguments: str) -> UsageError:
    app = typer.Typer()
    app.command()(convert)
    error = CliRunner().invoke(app, list(arguments)).exception
    assert isinstance(error, UsageError)
    return error


def test_bounds_without_texts_are_refused(tmp_path: Path) -> None:
    error = refusal(str(tmp_path), str(tmp_path / "made"), "--calibration-tokens", "64")
    assert "go with --calibrate FILE" in error.message


def test_memory_that_will_not_do_is_said_before_anything_is_read(tmp_path: Path) -> None:
    """A network so wide that no machine of today could hold a block of it in float32."""
    source = tmp_path / "source"
    config = write_config(source, hidden_size=2**20, ffn_hidden_size=2**22)
    (source / "tokenizer.model").write_bytes(builtin_vocabulary())
    texts = write(tmp_path / "texts.jsonl", {"text": "hello"})
    error = refusal(str(source), str(tmp_path / "made"), "--calibrate", str(texts))
    need = calibration_bytes(config, len(builtin_tokenizer(config.family).encode("hello")) + 2)
    assert f"takes {need / 1e9:.1f} GB of memory, and" in error.message
    assert load_config(source) == config and not (tmp_path / "made").exists()
