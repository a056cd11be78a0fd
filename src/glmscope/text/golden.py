"""Compares `text/` with recorded behaviour: a directory of the golden `tokenizer/` layout.

Tests and `glmscope parity` run this same code. Files that are absent are left out; what is there
must be equal, value for value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glmscope.errors import ModelFilesError
from glmscope.family import Family
from glmscope.text.detokenizer import REPLACEMENT, Detokenizer
from glmscope.text.padding import pad_left
from glmscope.text.prompt import (
    PromptMessage,
    chatglm2_continuation,
    chatglm2_prompt,
    chatglm2_text,
    chatglm3_prompt,
)
from glmscope.text.reply import Answer, BrokenCall, ToolCall, parse_turn
from glmscope.text.tokenizer import Tokenizer

Tokenizers = dict[str, Tokenizer]
"""By the golden files' family names, `glm2` and `glm3`."""

_Case = dict[str, Any]


@dataclass(slots=True)
class GoldenResult:
    """One row: a kind of value in one file, over all its cases."""

    file: str
    compared: str
    cases: int = 0
    failures: list[str] = field(default_factory=list)
    """One line for each case that differs."""


@dataclass(frozen=True, slots=True)
class _Comparison:
    compared: str
    expected: object
    actual: object


_Check = Callable[[Tokenizers, Any], Iterator[list[_Comparison]]]


def check_tokenizer_directory(directory: Path, model: bytes) -> Iterator[GoldenResult]:
    """Check every golden file in the directory with the tokenizer made of `model`.

    Raises ModelFilesError for an unfit model and for a file that is not of the layout.
    """
    tokenizers = {
        "glm2": Tokenizer(model, Family.CHATGLM2),
        "glm3": Tokenizer(model, Family.CHATGLM3),
    }
    for name, check in _CHECKS.items():
        path = directory / name
        if path.is_file():
            yield from _check_file(path, check, tokenizers)


def _check_file(path: Path, check: _Check, tokenizers: Tokenizers) -> list[GoldenResult]:
    results: dict[str, GoldenResult] = {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        for number, comparisons in enumerate(check(tokenizers, content), start=1):
            for one in comparisons:
                row = results.setdefault(one.compared, GoldenResult(path.name, one.compared))
                row.cases += 1
                if one.expected != one.actual:
                    row.failures.append(
                        f"case {number}: expected {_short(one.expected)}, got {_short(one.actual)}"
                    )
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelFilesError(
            f"{path} cannot be read as a golden file ({type(error).__name__})."
        ) from error
    return list(results.values())


def _tokenizer_cases(tokenizers: Tokenizers, cases: list[_Case]) -> Iterator[list[_Comparison]]:
    glm2, glm3 = tokenizers["glm2"], tokenizers["glm3"]
    for case in cases:
        text = case["text"]
        ids = glm3.encode(text)
        with_prefix = glm3.encode_with_prefix(text)
        yield _present(
            case,
            pieces=[glm3.piece(token_id) for token_id in ids],
            sp_ids=ids,
            glm2_ids=glm2.encode_with_prefix(text),
            glm3_ids=with_prefix,
            glm3_ids_encode_special=glm3.prefix_ids + glm3.encode_special(text),
            glm2_decoded=glm2.decode(ids),
            glm3_decoded=glm3.decode(ids),
            glm2_decoded_with_prefix=glm2.decode(with_prefix),
            glm3_decoded_with_prefix=glm3.decode(with_prefix),
            glm3_sp_decoded_with_prefix=glm3.decode_stretches(with_prefix),
            round_trip=glm3.decode(ids) == text,
        )


def _decode_cases(tokenizers: Tokenizers, cases: list[_Case]) -> Iterator[list[_Comparison]]:
    for case in cases:
        ids = case["ids"]
        glm3 = tokenizers["glm3"].decode(ids)
        comparisons = _present(case, glm3=glm3, glm3_skip_special=glm3)
        glm2 = tokenizers["glm2"]
        if "glm2_error" in case:
            # Ids that the original refuses print nothing here, as an unknown piece does.
            known = [token_id if token_id < glm2.vocab_size else glm2.pad_id for token_id in ids]
            refused = _Comparison("glm2, ids refused there", glm2.decode(known), glm2.decode(ids))
            yield [*comparisons, refused]
        else:
            yield comparisons + _present(case, glm2=glm2.decode(ids))


def _streaming_cases(tokenizers: Tokenizers, cases: list[_Case]) -> Iterator[list[_Comparison]]:
    for case in cases:
        detokenizer = Detokenizer(tokenizers["glm3"])
        emitted = ""
        comparisons = []
        for token_id, decoded in zip(case["ids"], case["decoded_after_each"], strict=True):
            emitted += detokenizer.add(token_id)
            # The record shows the bytes of an unfinished character; a stream holds them back.
            waiting = decoded.endswith(REPLACEMENT) and decoded.startswith(emitted)
            comparisons.append(_Comparison("text so far", decoded, decoded if waiting else emitted))
        whole = emitted + detokenizer.flush()
        yield [*comparisons, *_present(case, text=whole)]


def _padding_cases(tokenizers: Tokenizers, cases: list[_Case]) -> Iterator[list[_Comparison]]:
    for case in cases:
        tokenizer = tokenizers[case["family"]]
        if "pair" in case:
            pair_ids = tokenizer.encode_pair(*case["pair"])
            yield [_Comparison("pair", case["input_ids"], pair_ids)]
            continue
        batch = pad_left(
            [tokenizer.encode_with_prefix(text) for text in case["texts"]], tokenizer.pad_id
        )
        yield _present(
            case,
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask,
            position_ids=batch.position_ids,
        )


def _chat_prompts(
    tokenizers: Tokenizers, families: dict[str, list[_Case]]
) -> Iterator[list[_Comparison]]:
    for case in families.get("chatglm2", ()):
        yield _chatglm2_prompt(tokenizers["glm2"], case)
    for case in families.get("chatglm3", ()):
        query = PromptMessage(case["role"], case["query"])
        messages = [*map(_message, case["history"]), query]
        ids = chatglm3_prompt(tokenizers["glm3"], messages)
        yield [_Comparison("chatglm3 input_ids", case["input_ids"], ids)]


def _chatglm2_prompt(tokenizer: Tokenizer, case: _Case) -> list[_Comparison]:
    turns = [(question, answer) for question, answer in case["history"]]
    query = case["query"]
    ids = chatglm2_prompt(tokenizer, turns, query)
    comparisons = [
        _Comparison("chatglm2 input_ids", case["input_ids"], ids),
        _Comparison("chatglm2 prompt", case["prompt"], chatglm2_text(turns, query)),
    ]
    if "continuation_input_ids" in case:
        continuation = chatglm2_continuation(tokenizer, len(turns), query)
        expected = case["continuation_input_ids"]
        comparisons.append(_Comparison("chatglm2 continuation", expected, continuation))
    return comparisons


def _response_parsing(_: Tokenizers, cases: list[_Case]) -> Iterator[list[_Comparison]]:
    for case in cases:
        history = case["history"]
        tools_offered = bool(history) and history[0]["role"] == "system" and "tools" in history[0]
        turn = parse_turn(case["output"], tools_offered)
        if "error" in case:
            safe = isinstance(turn.answer, (str, BrokenCall))
            yield [_Comparison("no call where the original fails", True, safe)]
            continue
        parts = [
            {"role": "assistant", "metadata": part.metadata, "content": part.content}
            for part in turn.parts
        ]
        yield _present(case, content=_answer(turn.answer), new_history=history + parts)


_CHECKS: dict[str, _Check] = {
    "tokenizer_cases.json": _tokenizer_cases,
    "decode_cases.json": _decode_cases,
    "streaming_cases.json": _streaming_cases,
    "padding_cases.json": _padding_cases,
    "chat_prompts.json": _chat_prompts,
    "response_parsing.json": _response_parsing,
}


def _answer(answer: Answer) -> object:
    """An answer as the golden file writes it."""
    if isinstance(answer, str):
        return answer
    if isinstance(answer, ToolCall):
        return {"name": answer.name, "parameters": answer.parameters}
    return {"name": answer.name, "content": answer.content}


def _present(case: _Case, **actual: object) -> list[_Comparison]:
    """One comparison for each value that the case records."""
    return [_Comparison(name, case[name], value) for name, value in actual.items() if name in case]


def _message(entry: _Case) -> PromptMessage:
    return PromptMessage(
        entry["role"], entry["content"], entry.get("metadata", ""), entry.get("tools")
    )


def _short(value: object, limit: int = 160) -> str:
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"
