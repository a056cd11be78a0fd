"""Worked problems that others wrote, GSM8K's, with other numbers and other people in them.

They are read from the corpus when they are drawn; where it is not there, nothing is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from glmscope.train.generators.interpreter_formula import (
    UnsuitableError,
    evaluate,
    without_point_zero,
)
from glmscope.train.generators.interpreter_material import Desk, Exchange, fill
from glmscope.train.generators.interpreter_sums import formula_run
from glmscope.train.generators.interpreter_worked_question import Written
from glmscope.train.generators.interpreter_worked_reading import Problem, read_problems

_REDRAWN_SHARE = 0.8
_RENAMED_SHARE = 0.5
_TRIES = 60
_LARGEST_FACTOR = 3

_ASKED = re.compile(
    r"(?i)\b(?:how|what|calculate|find)\b(?:(?!\b(?:if|when|after|since)\b)[^.?!,])*[.?!,]?"
)
"""What is asked, without its conditions."""
_MONEY = re.compile(
    r"(?i)how much (?:\w+ ){0,2}(?:money|does|did|do|will|would|is|was|it|should|profit|change|"
    r"cost)|in dollars|how many dollars|what (?:is|was) the (?:total )?(?:cost|price|bill)"
)
_SPENT = re.compile(
    r"(?i)\b(?:cost\w*|pa(?:y|ys|id)|spen[dt]\w*|earn\w*|money|mak(?:e|es|ing)|made|sav(?:e|es|ed)|"
    r"owe\w*|charge\w*|price|bill|profit|dollars|change|budget|raise\w*|donat\w*)\b"
)
_ARTICLE = re.compile(r"\b([Aa])n? (?=\$?(\d+))")
_OTHER_UNIT = re.compile(r"(?i)\bin cents\b|how many cents|million")
_LEFT = re.compile(r"(?i)\b(?:left(?! with)|remain\w*)\b")


def worked_exchanges(desk: Desk) -> tuple[Exchange, ...]:
    """One of the problems, mostly with new numbers."""
    corpus = desk.material.corpus
    if corpus is None or desk.language != "en":
        raise ValueError("Worked problems are in English, and in the corpora.")
    problem = desk.pick(read_problems(corpus))
    return (worked_exchange(desk, problem, _numbers(desk, problem)),)


def worked_exchange(desk: Desk, problem: Problem, texts: Mapping[str, str]) -> Exchange:
    """A problem about these numbers. Raises UnsuitableError."""
    formula = fill(problem.formula, texts)
    run = formula_run(formula, formula)
    shown = {
        slot: written.shown(texts[slot])
        for slot, written in zip(texts, problem.numbers, strict=True)
    }
    question = _renamed(desk, with_articles(fill(problem.question, shown)))
    answers: Mapping[str, str] = desk.material["worked"]
    answer = fill(answers[_answer(question)], {"result": without_point_zero(run.output)})
    return Exchange(desk.finish(desk.frame("problem", question)), (run,), answer)


def _numbers(desk: Desk, problem: Problem) -> dict[str, str]:
    """The problem's own numbers, or others that suit it as well."""
    own = {f"n{place}": written.text for place, written in enumerate(problem.numbers)}
    if desk.rng.random() < _REDRAWN_SHARE:
        for _ in range(_TRIES):
            drawn = {
                slot: another(desk, written) if written.is_free else written.text
                for slot, written in zip(own, problem.numbers, strict=True)
            }
            if drawn != own and suits(problem, drawn):
                return drawn
    return own


def suits(problem: Problem, texts: Mapping[str, str]) -> bool:
    """Whether each part is above zero, whole where it was whole, and prints well."""
    free = [texts[f"n{place}"] for place, one in enumerate(problem.numbers) if one.is_free]
    if len(set(free)) < len(free):
        return False
    try:
        whole = [evaluate(fill(part, texts)).exact for part in problem.whole]
        others = [evaluate(fill(part, texts)).exact for part in problem.positive]
        _ = evaluate(fill(problem.formula, texts)).printed
    except UnsuitableError:
        return False
    return all(each.denominator == 1 for each in whole) and min(whole + others) > 0


def another(desk: Desk, written: Written) -> str:
    """A number of about the same size, as round and with as many decimals; never 1."""
    whole, _, decimals = written.text.partition(".")
    units, one = int(whole + decimals), 10 ** len(decimals)
    digits = str(units)
    zeros = len(digits) - len(digits.rstrip("0"))
    step = 10**zeros if zeros < len(digits) - 1 else max(1, 10**zeros // 2)
    if written.is_percent and units % 5 == 0:
        step = 5 * one
    low = max(units // _LARGEST_FACTOR, one + 1 if units > one else 1)
    high = max(units * _LARGEST_FACTOR, 9 if len(digits) == 1 else 0)
    if written.is_percent:
        high = min(high, 100 * one - 1)
    if written.most is not None:
        high = max(units, min(high, written.most * one))
    drawn = step * desk.rng.randint(-(-low // step), high // step)
    if not decimals:
        return str(drawn)
    if zeros == 0 and drawn % 10 == 0:
        drawn += 1  # 2.1 for 2.0
    return f"{drawn // one}.{drawn % one:0{len(decimals)}d}"


def with_articles(question: str) -> str:
    """An 8-hour day, a 10-hour day."""

    def article(found: re.Match[str]) -> str:
        is_vowel = found[2].startswith("8") or found[2] in ("11", "18")
        return f"{found[1]}{'n' if is_vowel else ''} "

    return _ARTICLE.sub(article, question)


def _renamed(desk: Desk, question: str) -> str:
    """Now and then with other people in it, women for women and men for men."""
    if desk.rng.random() > _RENAMED_SHARE:
        return question
    words = desk.material["words"]
    for names in (tuple(words["en_women"]), tuple(words["en_men"])):
        found = list(dict.fromkeys(_named(names).findall(question)))
        others = desk.rng.sample([name for name in names if name not in found], len(found))
        new = dict(zip(found, others, strict=True))
        question = _named(names).sub(lambda name, new=new: new[name[0]], question)  # type: ignore[misc]
    return question


@lru_cache(maxsize=4)
def _named(names: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(names)})\b")


def _answer(question: str) -> str:
    """Which of the answers suits what is asked."""
    asked = (_ASKED.findall(question) or [question])[-1]
    about_money = ("$" in question or "dollars" in question) and not _OTHER_UNIT.search(question)
    if about_money and _MONEY.search(asked) and _SPENT.search(asked):
        return "en_money_left" if _LEFT.search(asked) else "en_money"
    return "en_left" if _LEFT.search(asked) and "how many" in asked.lower() else "en_answer"
