"""The whole command on a network of random weights: a table with failures, not a crash."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from glmscope.evaluate.checks import HELD_OUT, ROUNDS
from glmscope.model.catalog import NANO_ID
from glmscope.text.vocabulary import builtin_vocabulary
from tests.cli.support import glmscope
from tests.evaluate.support import TOKENIZER, WEATHER
from tests.support.checkpoints import write_checkpoint

USER = {"role": "user", "content": "介绍下杭州"}
SPOKEN = {"role": "assistant", "content": "杭州很美。"}
ROWS = {
    "cities": [{"id": "c", "messages": [USER], "expect": {"min_chinese": 100, "about": ["杭州"]}}],
    "english": [{"id": "e", "messages": [USER], "expect": {"language": "en"}}],
    "identity": [
        {"id": name, "messages": [USER], "expect": {"any": ["nano"]}} for name in ("i1", "i2")
    ],
    "interpreter": [{"id": "n", "messages": [USER], "expect": {"number": 1}}],
    "tools": [
        {
            "id": "t",
            "messages": [{"role": "system", "content": "Tools:", "tools": [WEATHER]}, USER],
            "expect": {"call": {"name": "get_weather", "arguments": {"city": "杭州"}}},
        }
    ],
    HELD_OUT: [{"id": "h", "messages": [USER, SPOKEN]}],
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLMSCOPE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    directory = tmp_path / "model"
    vocabulary = -(-TOKENIZER.vocab_size // 64) * 64
    write_checkpoint(directory, _name_or_path=NANO_ID, padded_vocab_size=vocabulary, seq_length=512)
    (directory / "tokenizer.model").write_bytes(builtin_vocabulary())
    return directory


@pytest.fixture
def checks(tmp_path: Path) -> Path:
    directory = tmp_path / "checks"
    directory.mkdir()
    for kind, rows in ROWS.items():
        lines = "\n".join(json.dumps(row) for row in rows)
        (directory / f"{kind}.jsonl").write_text(lines, encoding="utf-8")
    return directory


def test_a_random_network_reaches_nothing(model: Path, checks: Path, tmp_path: Path) -> None:
    result = glmscope(
        *("evaluate", "nano", "--model", str(model), "--checks", str(checks)),
        *("--fp32", str(model), "--json", str(tmp_path / "out.json"), "--strict"),
    )
    assert result.returncode == 1, result.stderr
    assert "cities, in other wordings" in result.stdout
    assert "FAIL" in result.stdout
    written = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert len(written["answers"]) == 7
    assert {row["kind"] for row in written["answers"]} == {*ROWS, ROUNDS} - {HELD_OUT}
    reached = {row["what"]: row["reached"] for row in written["figures"]}
    assert reached["identity"] == 0
    assert reached["follow-ups about a city"] is None
    assert reached["perplexity of held-out dialogue"] > 1
    assert reached["the same with fp32 weights"] > 1
    assert reached["start to ready"] > 0
    assert reached["speed for one client"] > 0


def test_a_part_of_it_alone(model: Path, checks: Path) -> None:
    result = glmscope(
        *("evaluate", "nano", "--model", str(model), "--checks", str(checks)),
        *("--only", "identity", "--sample", "1"),
    )
    assert result.returncode == 0, result.stderr
    lines = [line for line in result.stdout.splitlines() if "identity" in line]
    assert [line.split("│")[2].strip() for line in lines] == ["1"]
    assert "cities" not in result.stdout


def test_what_cannot_be_done_is_one_sentence(model: Path, tmp_path: Path) -> None:
    for arguments, sentence in (
        (["--only", "poetry"], '"poetry" is none of these'),
        (["--model", str(tmp_path / "absent")], "is none of these"),
        (["--checks", str(tmp_path / "absent")], "is not a directory"),
        (["--json", str(tmp_path / "absent" / "out.json")], "is not a directory"),
    ):
        result = glmscope("evaluate", "nano", "--model", str(model), *arguments)
        assert result.returncode == 2
        assert sentence in result.stderr
        assert result.stderr.count("\n") == 1
