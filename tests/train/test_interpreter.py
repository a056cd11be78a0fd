from __future__ import annotations

import ast
import json
import random
import re
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest

from glmscope.text.prompt import INTERPRETER_SYSTEM, PromptMessage
from glmscope.text.reply import RawCall, parse_turn
from glmscope.train.dialogue import Dialogue
from glmscope.train.generators import interpreter_series
from glmscope.train.generators.interpreter import INTERPRETER, PLAIN_KIND, dialogues
from glmscope.train.generators.interpreter_formula import UnsuitableError, evaluate
from glmscope.train.generators.interpreter_lists import STATISTICS, Items, list_code
from glmscope.train.generators.interpreter_material import Desk, Language, Material
from glmscope.train.generators.interpreter_numbers import allows, draw, in_words
from glmscope.train.generators.interpreter_sums import MAX_DRAWS, numbers_of, worked
from tests.support.paths import REPOSITORY

DATA = REPOSITORY / "train" / "data"
MATERIAL = Material(DATA)
HELD_OUT = REPOSITORY / "src" / "glmscope" / "evaluate" / "nano" / "interpreter.jsonl"

# What the tests may lack, and what is not the same on every machine: pictures, files, tracebacks.
NOT_RUN = ("pandas", "matplotlib", "numpy")
SAMPLE = 400


@pytest.fixture(scope="module")
def drawn() -> list[Dialogue]:
    return list(dialogues(random.Random(7), 5000, DATA))


@pytest.fixture(scope="module")
def held_out() -> list[dict[str, Any]]:
    return [json.loads(line) for line in HELD_OUT.read_text(encoding="utf-8").splitlines()]


def _code(message: PromptMessage) -> str:
    return message.content.removeprefix("```python\n").removesuffix("\n```")


def _output(message: PromptMessage) -> str:
    return message.content.removeprefix("```result\n").removesuffix("\n```")


def _runs(dialogue: Dialogue) -> list[tuple[str, str]]:
    pairs = pairwise(dialogue.messages)
    return [(_code(call), _output(seen)) for call, seen in pairs if call.metadata]


def _shape(question: str) -> str:
    """A question with its numbers left out."""
    return re.sub(r"-?\d+(\.\d+)?", "#", re.sub(r"[\s。.，,？?！!]", "", question.casefold()))


def test_the_same_seed_yields_the_same_dialogues(drawn: list[Dialogue]) -> None:
    assert list(dialogues(random.Random(7), 100, DATA)) == list(
        dialogues(random.Random(7), 100, DATA)
    )
    assert next(dialogues(random.Random(8), 1, DATA)) != drawn[0]


def test_every_kind_is_there_and_most_are_sums_lists_and_problems(drawn: list[Dialogue]) -> None:
    kinds = Counter(dialogue.kind.removeprefix(f"{INTERPRETER}_") for dialogue in drawn)
    assert set(kinds) == {
        *("series", "sums", "expressions", "spoken", "lists", "problems", "stories"),
        *("dates", "clock", "texts", "plots", "files", "errors", "none"),
    }
    arithmetic = ("series", "sums", "expressions", "spoken", "lists", "problems")
    assert sum(kinds[kind] for kind in arithmetic) > len(drawn) * 0.6
    assert len(drawn) * 0.07 < kinds["none"] < len(drawn) * 0.13


def test_a_dialogue_has_the_form_of_the_specification(drawn: list[Dialogue]) -> None:
    for dialogue in drawn:
        system, *rest = dialogue.messages
        assert system.role == "system"
        assert rest[0].role == "user"
        assert rest[-1].role == "assistant"
        assert rest[-1].metadata == ""
        for before, message in pairwise(rest):
            assert message.content == message.content.strip("\n ") or message.role == "observation"
            assert (message.role == "observation") == (before.metadata == INTERPRETER)
            assert (message.role == "user") == (before.role == "assistant" and not before.metadata)


def test_code_reads_back_as_a_call(drawn: list[Dialogue]) -> None:
    for dialogue in drawn:
        for message in dialogue.messages:
            if message.metadata:
                answer = parse_turn(f"{message.metadata}\n {message.content}", tools_offered=False)
                assert isinstance(answer.answer, RawCall)
                assert answer.answer.name == INTERPRETER
                ast.parse(_code(message))


def test_the_system_text_is_mostly_that_of_the_specification(drawn: list[Dialogue]) -> None:
    systems = Counter(dialogue.messages[0].content for dialogue in drawn)
    named_three = INTERPRETER_SYSTEM.replace("ChatGLM", "ChatGLM3")
    assert systems[INTERPRETER_SYSTEM] + systems[named_three] > len(drawn) * 0.6
    english = sum(count for text, count in systems.items() if text.isascii())
    assert 0.1 < english / len(drawn) < 0.2


def test_what_needs_no_code_is_answered_plainly(drawn: list[Dialogue]) -> None:
    plain = [dialogue for dialogue in drawn if dialogue.kind == PLAIN_KIND]
    assert all(not message.metadata for dialogue in plain for message in dialogue.messages)
    answers = [message.content for dialogue in plain for message in dialogue.messages]
    assert any(
        "我是 chatglm3-nano，GLMScope 项目里的一个小型演示模型。" in answer for answer in answers
    )
    assert all(_runs(dialogue) for dialogue in drawn if dialogue.kind != PLAIN_KIND)


def test_code_prints_what_the_observation_says(drawn: list[Dialogue]) -> None:
    runs = [
        run
        for dialogue in drawn
        for run in _runs(dialogue)
        if not any(module in run[0] for module in NOT_RUN) and "Traceback" not in run[1]
    ]
    sample = random.Random(3).sample(runs, SAMPLE)
    # One process for all: each piece of code has names of its own, and ends with a mark.
    script = "\n".join(
        f"exec(compile({code!r}, 'code', 'exec'), {{}})\nprint('<end>')" for code, _ in sample
    )
    done = subprocess.run(
        [sys.executable, "-I", "-X", "utf8", "-"],
        input=script,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    printed = done.stdout.split("\n<end>\n")[:-1]
    assert list(zip([code for code, _ in sample], printed, strict=True)) == sample


def test_numbers_are_copied_in_their_order(drawn: list[Dialogue]) -> None:
    """In code for lists, the list stands as the user wrote it."""
    for dialogue in drawn:
        if dialogue.kind != f"{INTERPRETER}_lists":
            continue
        code, _ = _runs(dialogue)[0]
        (data,) = re.findall(r"^data = \[(.*)\]$", code, re.MULTILINE)
        question = next(
            message.content for message, after in pairwise(dialogue.messages) if after.metadata
        )
        assert re.findall(r"[-\d.]+", data) == _numbers_in_order(question, data), question


def _numbers_in_order(question: str, data: str) -> list[str]:
    """Those numbers of the question that begin and end where the list does."""
    wanted = re.findall(r"[-\d.]+", data)
    found = re.findall(r"-?\d+(?:\.\d+)?", question)
    starts = range(len(found) - len(wanted) + 1)
    return next((wanted for at in starts if found[at : at + len(wanted)] == wanted), found)


def test_answers_name_the_result(drawn: list[Dialogue]) -> None:
    for dialogue in drawn:
        for (call, seen), answer in zip(
            pairwise(dialogue.messages), dialogue.messages[2:], strict=False
        ):
            result = _output(seen).removesuffix(".0")
            if call.metadata and re.fullmatch(r"-?\d+(\.\d+)?", result):
                assert result in answer.content


def test_many_dialogues_have_several_questions(drawn: list[Dialogue]) -> None:
    several = [dialogue for dialogue in drawn if len(_runs(dialogue)) > 1]
    assert len(drawn) * 0.35 < len(several) < len(drawn) * 0.75


def test_a_series_has_three_to_six_sums_often_of_the_same_numbers(drawn: list[Dialogue]) -> None:
    series = [_runs(each) for each in drawn if each.kind == f"{INTERPRETER}_series"]
    assert {len(runs) for runs in series} == {3, 4, 5, 6}
    same = 0
    for runs in series:
        numbers = [set(re.findall(r"\d{2,}", code)) for code, _ in runs]
        codes = {code for code, _ in runs}
        same += bool(set.intersection(*numbers)) and len(codes) > len(runs) / 2
    assert same > len(series) / 3


def test_a_series_is_as_long_where_hardly_a_question_suits_its_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(interpreter_series, "_TRIES", 6)
    for seed in range(40):
        desk = Desk(Material(DATA), random.Random(seed), "zh")
        assert 3 <= len(interpreter_series.series_exchanges(desk)) <= 6


def test_some_sums_have_all_their_numbers_in_words(drawn: list[Dialogue]) -> None:
    """Their code has digits: 三十七 is 37 there."""
    spoken = 0
    for dialogue in drawn:
        if dialogue.kind not in (f"{INTERPRETER}_sums", f"{INTERPRETER}_problems"):
            continue
        asked, call = next(pair for pair in pairwise(dialogue.messages) if pair[1].metadata)
        numbers = re.findall(r"(?<![\w.])\d+(?![\w.])", _code(call))
        words = [in_words(number, "zh") for number in numbers if len(number) <= 4]
        spoken += bool(words) and not re.search(r"\d", asked.content) and words[0] in asked.content
    assert spoken > 40


def test_an_expression_is_copied(drawn: list[Dialogue]) -> None:
    signs = str.maketrans(
        {"×": "*", "x": "*", "÷": "/", "（": "(", "）": ")", "＋": "+", " ": None}
    )
    for dialogue in drawn:
        if dialogue.kind == f"{INTERPRETER}_expressions":
            asked, call = next(pair for pair in pairwise(dialogue.messages) if pair[1].metadata)
            code = _code(call).removeprefix("print(").removesuffix(")")
            expression = re.sub(r", \d\)$", "", code.removeprefix("round(")).replace(" ", "")
            assert expression in asked.content.translate(signs).replace("^", "**")


@pytest.mark.parametrize(
    ("formula", "printed"),
    [
        ("2 + 3 * 4", "14"),
        ("(2 + 3) * 4 / 8", "2.5"),
        ("3.3 * 1.1", "3.63"),
        ("10 / 2", "5.0"),
        ("7 // 2 + 7 % 2", "4"),
        ("(-3) ** 2", "9"),
        ("math.sqrt(2)", "1.41421356"),
        ("math.sqrt(0.25)", "0.5"),
        ("math.cbrt(27)", "3.0"),
        ("math.cbrt(0.125)", "0.5"),
        ("math.cbrt(2)", "1.25992105"),
        ("math.lcm(4, 6) + math.factorial(4)", "36"),
        ("abs(-2.5) + abs(-3)", "5.5"),
        ("round(17 / 3, 2)", "5.67"),
    ],
)
def test_a_formula_prints_as_python_would(formula: str, printed: str) -> None:
    assert evaluate(formula).printed == printed


@pytest.mark.parametrize(
    "formula", ["1 / 0", "2 ** 0.5", "math.sqrt(-1)", "1 / 3000", "1e7 * 2.5", "round(0.125, 2)"]
)
def test_a_formula_without_a_good_result_is_turned_down(formula: str) -> None:
    with pytest.raises(UnsuitableError):
        _ = evaluate(formula).printed


@pytest.mark.parametrize(
    ("name", "written", "printed"),
    [
        ("third", "7 2 9 4", "4"),
        ("second_least", "7 2 9 4.5", "4.5"),
        ("ends", "7 2.5 9 4", "11.5"),
        ("trimmed", "7 2 9 4", "5.5"),
        ("above_mean", "1 2 3 10", "1"),
        ("evens", "-4 3 2.5 8", "2"),
        ("odds", "-3 4 2.5 7", "2"),
    ],
)
def test_a_statistic_prints_as_python_would(
    name: str, written: str, printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = list_code(name, Items(tuple(written.split())), "0")
    exec(run.code, {})
    assert run.output == capsys.readouterr().out.strip() == printed


@pytest.mark.parametrize(("name", "written"), [("trimmed", "1 2 3"), ("above_mean", "1 2 3")])
def test_a_list_without_a_good_statistic_is_turned_down(name: str, written: str) -> None:
    with pytest.raises(UnsuitableError):
        list_code(name, Items(tuple(written.split())), "0")


def test_every_statistic_has_wordings() -> None:
    assert Material(DATA)["lists"].keys() == STATISTICS.keys()


def test_only_formulas_are_evaluated() -> None:
    with pytest.raises(ValueError, match="Not part of a formula"):
        evaluate("[1, 2]")
    with pytest.raises(ValueError, match="Not part of a formula"):
        evaluate("__import__('os')")


def test_numbers_keep_to_their_range() -> None:
    rng = random.Random(1)
    for spec, low, high in [("2..9", 2, 9), ("-20..40", -20, 40), ("-9..30:1", -9, 30)]:
        values = [Fraction(draw(rng, spec)) for _ in range(500)]
        assert low <= min(values) < max(values) <= high
    assert allows("2..9", "9")
    assert not allows("2..9:1", "10")
    assert allows("positive", "10")
    assert not allows("cube", "27")
    with pytest.raises(ValueError, match="Unknown kind"):
        draw(rng, "large")


def test_what_is_held_out_is_not_trained_on(
    drawn: list[Dialogue], held_out: list[dict[str, Any]]
) -> None:
    assert len(held_out) == len({row["id"] for row in held_out}) == 100
    trained = [m.content for each in drawn for m in each.messages if m.role == "user"]
    shapes = {_shape(question) for question in trained}
    questions = [row["messages"][-1]["content"] for row in held_out]
    assert len(set(questions)) == len(questions)
    assert not [question for question in questions if _shape(question) in shapes]


def test_a_held_out_row_offers_the_interpreter_and_expects_a_number(
    held_out: list[dict[str, Any]],
) -> None:
    for row in held_out:
        system, user = row["messages"]
        assert system["content"].replace("ChatGLM3", "ChatGLM") == INTERPRETER_SYSTEM
        assert user["role"] == "user"
        assert set(row["expect"]) == {"number"}
        assert isinstance(row["expect"]["number"], int | float)


@pytest.mark.parametrize(
    ("written", "language", "words"),
    [
        ("7", "zh", "七"),
        ("10", "zh", "十"),
        ("18", "zh", "十八"),
        ("60", "zh", "六十"),
        ("95", "zh", "九十五"),
        ("100", "zh", "一百"),
        ("2015", "zh", "两千零一十五"),
        ("9040", "zh", "九千零四十"),
        ("20300", "zh", "两万零三百"),
        ("12", "zh", "十二"),
        ("8.5", "zh", "八五"),
        ("0", "en", "zero"),
        ("19", "en", "nineteen"),
        ("40", "en", "forty"),
        ("73", "en", "seventy-three"),
        ("100", "en", "one hundred"),
        ("125", "en", "one hundred twenty-five"),
        ("12040", "en", "twelve thousand forty"),
    ],
)
def test_numbers_in_words(written: str, language: str, words: str) -> None:
    assert in_words(written, language) == words


def test_every_sum_and_problem_finds_its_numbers_soon() -> None:
    rng = random.Random(3)
    for section in ("sums", "problems"):
        for name, entry in MATERIAL[section].items():
            language: Language = "zh" if any(key.startswith("zh_") for key in entry) else "en"
            desk, wanted = Desk(MATERIAL, rng, language), 3
            for _ in range(MAX_DRAWS // 4):  # so that drawing itself is never short of them
                with suppress(UnsuitableError):
                    worked(desk, entry, numbers_of(desk, entry))
                    wanted -= 1
                if not wanted:
                    break
            assert not wanted, (section, name)
