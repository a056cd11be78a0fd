from __future__ import annotations

import json
from pathlib import Path

import pytest

from glmscope.errors import ModelFilesError
from glmscope.text.golden import check_tokenizer_directory
from glmscope.text.vocabulary import builtin_vocabulary
from tests.support.paths import GOLDEN, TOKENIZER, needs_golden, needs_tokenizer


@needs_golden
@needs_tokenizer
def test_every_recorded_value_is_reproduced() -> None:
    assert TOKENIZER is not None
    results = list(check_tokenizer_directory(GOLDEN / "tokenizer", TOKENIZER.read_bytes()))
    assert [failure for result in results for failure in result.failures] == []
    cases = {(result.file, result.compared): result.cases for result in results}
    assert cases["tokenizer_cases.json", "sp_ids"] == 177
    assert cases["chat_prompts.json", "chatglm2 input_ids"] == 10
    assert cases["chat_prompts.json", "chatglm3 input_ids"] == 17
    assert cases["response_parsing.json", "content"] == 9
    assert len({file for file, _ in cases}) == 6


def test_a_value_that_differs_is_a_failure_that_says_how(tmp_path: Path) -> None:
    cases = [{"text": "a", "sp_ids": [5], "round_trip": True}, {"text": "b", "glm3_decoded": "b"}]
    (tmp_path / "tokenizer_cases.json").write_text(json.dumps(cases), encoding="utf-8")
    ids, round_trip, decoded = check_tokenizer_directory(tmp_path, builtin_vocabulary())
    assert ids.compared == "sp_ids"
    assert ids.cases == 1
    assert ids.failures[0].startswith("case 1: expected [5], got [")
    assert (round_trip.cases, round_trip.failures) == (1, [])
    assert (decoded.cases, decoded.failures) == (1, [])


def test_a_call_where_the_original_fails_is_a_failure(tmp_path: Path) -> None:
    history = [{"role": "system", "content": "", "tools": []}]
    case = {"output": "t\n-\ntool_call()\n-", "history": history, "error": "SyntaxError"}
    (tmp_path / "response_parsing.json").write_text(json.dumps([case]), encoding="utf-8")
    (result,) = check_tokenizer_directory(tmp_path, builtin_vocabulary())
    assert result.failures == ["case 1: expected True, got False"]


def test_absent_files_are_left_out(tmp_path: Path) -> None:
    assert list(check_tokenizer_directory(tmp_path, builtin_vocabulary())) == []


@pytest.mark.parametrize("content", ["[{]", "7", "[7]", '[{"words": "a"}]', '{"text": "a"}'])
def test_a_file_of_another_layout_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "tokenizer_cases.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ModelFilesError, match=r"tokenizer_cases\.json cannot be read"):
        list(check_tokenizer_directory(tmp_path, builtin_vocabulary()))
