"""Word problems put together from events, purchases and steps, so that no two are alike."""

from __future__ import annotations

from collections.abc import Mapping

from glmscope.train.generators.interpreter_formula import UnsuitableError, without_point_zero
from glmscope.train.generators.interpreter_material import Desk, Exchange, fill
from glmscope.train.generators.interpreter_numbers import draw
from glmscope.train.generators.interpreter_sums import MAX_DRAWS, formula_run, words

_WORDS = {"who": "who", "other": "who", "item": "item", "goods": "goods", "place": "place"}
_SIGNS = {"plus": "+", "minus": "-", "times": "*", "over": "/"}


def story_exchanges(desk: Desk) -> tuple[Exchange, ...]:
    """One word problem: what comes and goes, what is bought, or a number that is changed."""
    make = desk.rng.choices([_events, _purchase, _chain], [5, 3, 3])[0]
    return (make(desk),)


def _events(desk: Desk) -> Exchange:
    """Something there is, and one to three times more or fewer of it."""
    name = desk.pick(list(desk.material["stories"]))
    texts = _Texts(desk, desk.material["stories"][name], words(desk, _WORDS))
    spec = desk.pick(["2..30", "10..99", "20..500"])
    if name == "money" and desk.rng.random() < 0.3:
        spec = "5..200:1"
    left = draw(desk.rng, spec)
    sentences, formula = [texts.draw("start", n=left)], left
    for _ in range(desk.rng.choice([1, 2, 2, 3])):
        number = draw(desk.rng, spec)
        gain = desk.rng.random() < 0.5 or float(number) >= float(left)
        sentences.append(texts.draw("gain" if gain else "lose", n=number))
        formula += f" {'+' if gain else '-'} {number}"
        left = formula_run(formula, formula).output
    comma, stop = ("，", "，") if desk.language == "zh" else (", ", ". ")
    question = comma.join(sentences) + stop + texts.draw("end")
    return texts.exchange(question, formula)


def _purchase(desk: Desk) -> Exchange:
    """One to three things at a price each; their total, or what is left of a sum."""
    for _ in range(MAX_DRAWS):
        texts = _Texts(desk, desk.material["purchases"], words(desk, _WORDS))
        parts, products = [], []
        for goods in desk.rng.sample(desk.material["words"][f"{desk.language}_goods"], 3):
            count, price = draw(desk.rng, "2..20"), draw(desk.rng, desk.pick(["1..90", "1..60:2"]))
            measure, _, thing = goods.rpartition("/")
            part = texts.draw("part", n=count, p=price, goods=thing, goods_m=measure)
            parts.append(part)
            in_order = (count, price) if part.find(count) < part.find(price) else (price, count)
            products.append(" * ".join(in_order))
        size = desk.rng.choice([1, 2, 2, 3])
        paid = desk.pick(["50", "100", "200", "500", "1000", draw(desk.rng, "40..999")])
        ending = desk.pick(["total", "change"])
        signs = " + ", " - "
        formula = signs[0].join(products[:size])
        if ending == "change":
            formula = signs[1].join([paid, *products[:size]])
        try:
            if formula_run(formula, formula).output.startswith("-"):
                continue
        except UnsuitableError:
            continue
        question = texts.draw("who") + texts.draw("and").join(parts[:size])
        return texts.exchange(question + texts.draw(ending, m=paid), formula, f"{ending}_answer")
    raise RuntimeError("No purchase is small enough.")


def _chain(desk: Desk) -> Exchange:
    """A number, and two to four steps that each change it."""
    texts = _Texts(desk, desk.material["chains"], {})
    for _ in range(MAX_DRAWS):
        number = draw(desk.rng, desk.pick(["2..99", "10..999", "1..99:1"]))
        question, formula, is_sum = texts.draw("start", n=number), number, False
        for step in range(desk.rng.choice([2, 2, 3, 4])):
            operation = desk.pick(list(_SIGNS))
            factor = operation in ("times", "over")
            number = draw(desk.rng, "2..20" if factor else "1..300")
            joint = "" if step == 0 and desk.language == "zh" else texts.draw("next")
            question += joint + texts.draw(operation, n=number)
            # A factor takes all that came before.
            before = f"({formula})" if factor and is_sum else formula
            formula, is_sum = f"{before} {_SIGNS[operation]} {number}", not factor
        try:
            return texts.exchange(question + texts.draw("end"), formula)
        except UnsuitableError:
            continue
    raise RuntimeError("No chain has a result that is good to show.")


class _Texts:
    """The wordings of one sort of story, about the same people and things throughout."""

    def __init__(
        self, desk: Desk, wordings: Mapping[str, list[str]], about: dict[str, str]
    ) -> None:
        self._desk = desk
        self._wordings = wordings
        self._about = about

    def draw(self, name: str, **slots: str) -> str:
        """One of the wordings under `name`, filled."""
        template = self._desk.pick(self._wordings[f"{self._desk.language}_{name}"])
        return fill(self._desk.choose(template), {**self._about, **slots})

    def exchange(self, question: str, formula: str, answer: str = "answer") -> Exchange:
        """The question with the code for its formula. Raises UnsuitableError."""
        run = formula_run(formula, formula)
        result = without_point_zero(run.output)
        template = str(self._wordings[f"{self._desk.language}_{answer}"])
        text = fill(template, {**self._about, "result": result})
        return Exchange(self._desk.finish(self._desk.frame("problem", question)), (run,), text)
