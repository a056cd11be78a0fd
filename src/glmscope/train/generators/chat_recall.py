"""Follow-ups that need what the user told before: facts, lists, stories, running sums."""

from __future__ import annotations

import random
from collections.abc import Callable

from glmscope.train.generators import chat_values as values
from glmscope.train.generators.chat_entries import Language
from glmscope.train.generators.chat_facts import FACTS, Fact
from glmscope.train.generators.chat_wording import reword

Turn = tuple[str, str]
"""A question and its answer."""

_NOTED: dict[Language, str] = {"zh": "好的，我记住了。", "en": "All right, I will remember that."}
_CORRECTIONS: dict[Language, tuple[str, ...]] = {
    "zh": ("不对，我说错了，{}", "我刚才说错了，{}", "更正一下，{}", "不好意思，其实{}"),
    "en": ("Sorry, I was wrong. {}", "Let me correct that. {}", "No, wait. {}"),
}


def recall(
    language: Language, rng: random.Random, small_talk: Callable[[], Turn]
) -> tuple[Turn, ...]:
    """Turns whose last question needs an earlier one; `small_talk` gives unrelated turns."""
    draw = rng.random()
    if draw < 0.62:
        return _told_facts(language, rng, small_talk)
    if draw < 0.67:
        return _untold_fact(language, rng)
    if draw < 0.74:
        return _correction(language, rng)
    if draw < 0.84:
        return _list_zh(rng) if language == "zh" else _list_en(rng)
    if draw < 0.94:
        return _story_zh(rng) if language == "zh" else _story_en(rng)
    return _running_sum(language, rng)


def _told_facts(
    language: Language, rng: random.Random, small_talk: Callable[[], Turn]
) -> tuple[Turn, ...]:
    facts = _different_facts(language, rng, rng.choice((1, 1, 1, 2, 2, 3)))
    told = [(fact, fact.draw(rng)) for fact in facts]
    turns: list[Turn] = []
    if len(told) > 1 and rng.random() < 0.5:
        sentences = [rng.choice(fact.tell).format(value) for fact, value in told]
        joined = "，".join(sentences) + "。" if language == "zh" else " ".join(sentences)
        turns.append((joined, _NOTED[language]))
    else:
        turns += [_tell(fact, value, language, rng) for fact, value in told]
    turns += [small_talk() for _ in range(rng.choice((0, 0, 0, 1, 1, 2)))]
    rng.shuffle(told)
    asked = told[: rng.choice((1, 1, 2))]
    turns += [_ask(fact, value, language, rng) for fact, value in asked]
    return tuple(turns)


def _different_facts(language: Language, rng: random.Random, count: int) -> list[Fact]:
    facts: list[Fact] = []
    while len(facts) < count:
        fact = rng.choice(FACTS[language])
        if all(fact.answer != other.answer for other in facts):
            facts.append(fact)
    return facts


def _tell(fact: Fact, value: str, language: Language, rng: random.Random) -> Turn:
    sentence = rng.choice(fact.tell).format(value)
    if language == "zh":
        sentence += rng.choice(("", "", "。", "。", "！"))
    elif rng.random() < 0.3:
        sentence = sentence.rstrip(".")
    return sentence, fact.heard.format(value)


def _ask(fact: Fact, value: str, language: Language, rng: random.Random) -> Turn:
    return reword(rng.choice(fact.ask), language, rng), fact.answer.format(value)


def _untold_fact(language: Language, rng: random.Random) -> tuple[Turn, ...]:
    told, untold = _different_facts(language, rng, 2)
    question = reword(rng.choice(untold.ask), language, rng)
    before = (_tell(told, told.draw(rng), language, rng),) if rng.random() < 0.5 else ()
    return (*before, (question, untold.unknown))


def _correction(language: Language, rng: random.Random) -> tuple[Turn, ...]:
    (fact,) = _different_facts(language, rng, 1)
    first, second = fact.draw(rng), fact.draw(rng)
    again = rng.choice(_CORRECTIONS[language]).format(rng.choice(fact.tell).format(second))
    return (
        _tell(fact, first, language, rng),
        (again, fact.heard.format(second)),
        _ask(fact, second, language, rng),
    )


def _list_zh(rng: random.Random) -> tuple[Turn, ...]:
    pool = rng.choice((values.FRUITS, values.THINGS, values.FOODS, values.COLORS, values.SPORTS))
    items = rng.sample(pool, rng.choice((2, 3, 3, 4)))
    listed = "、".join(items[:-1]) + "和" + items[-1]
    tell = rng.choice(
        (
            "我的清单上有{}",
            "清单：{}",
            "请记住这几样：{}",
            "我要准备{}",
            "我选了{}",
            "我说几样东西：{}",
        )
    )
    count = ("零", "一", "两", "三", "四")[len(items)]
    asks = [
        (
            ("清单上有什么？", "我刚才说了哪些？", "我说了哪几样？", "都有什么？"),
            f"您说的是{listed}。",
        ),
        (("第一个是什么？", "第一样是什么？", "排在最前面的是什么？"), f"第一个是{items[0]}。"),
        (("第二个是什么？", "第二样是什么？"), f"第二个是{items[1]}。"),
        (
            ("最后一个是什么？", "最后一样是什么？", "排在最后的是什么？"),
            f"最后一个是{items[-1]}。",
        ),
        (("一共有几样？", "一共几个？", "我说了几样？"), f"一共有{count}样。"),
    ]
    wordings, answer = rng.choice(asks)
    end = rng.choice(("", "。"))
    return (tell.format(listed) + end, _NOTED["zh"]), (
        reword(rng.choice(wordings), "zh", rng),
        answer,
    )


def _list_en(rng: random.Random) -> tuple[Turn, ...]:
    pool = rng.choice((values.FRUITS_EN, values.THINGS_EN, values.COLORS_EN, values.SPORTS_EN))
    items = rng.sample(pool, rng.choice((2, 3, 3, 4)))
    listed = ", ".join(items[:-1]) + " and " + items[-1]
    tell = rng.choice(
        ("My list: {}.", "On my list are {}.", "Please remember these: {}.", "I chose {}.")
    )
    count = ("no", "one", "two", "three", "four")[len(items)]
    asks = [
        (
            ("What is on my list?", "What did I say?", "Which ones did I name?"),
            f"You said {listed}.",
        ),
        (("What is the first one?", "Which one came first?"), f"The first one is {items[0]}."),
        (("What is the second one?", "Which one came second?"), f"The second one is {items[1]}."),
        (("What is the last one?", "Which one came last?"), f"The last one is {items[-1]}."),
        (("How many are there?", "How many did I name?"), f"There are {count}."),
    ]
    wordings, answer = rng.choice(asks)
    return (tell.format(listed), _NOTED["en"]), (reword(rng.choice(wordings), "en", rng), answer)


def _story_zh(rng: random.Random) -> tuple[Turn, ...]:
    first, second = values.any_chinese_name(rng), values.any_chinese_name(rng)
    here, there = values.chinese_city(rng), values.chinese_city(rng)
    dish, hobby = rng.choice(values.FOODS), rng.choice(values.SPORTS)
    thing = rng.choice((*values.FRUITS, *values.THINGS))
    many, few = rng.sample(range(2, 60), 2)
    relation = rng.choice(("朋友", "同事", "同学", "邻居", "表哥", "表姐", "室友", "妹妹", "弟弟"))
    stories = [
        (
            f"{first}有{many}个{thing}，{second}有{few}个{thing}",
            [
                (f"{first}有几个{thing}？", f"{first}有{many}个{thing}。"),
                (f"{second}有多少个{thing}？", f"{second}有{few}个{thing}。"),
                (f"谁的{thing}更多？", f"{first if many > few else second}的{thing}更多。"),
            ],
        ),
        (
            f"{first}今年{many}岁，{second}今年{few}岁",
            [
                (f"{first}几岁？", f"{first}今年{many}岁。"),
                (f"{second}多大了？", f"{second}今年{few}岁。"),
                ("谁的年纪更大？", f"{first if many > few else second}的年纪更大。"),
            ],
        ),
        (
            f"我的{relation}{first}住在{here}，喜欢{hobby}",
            [
                (f"我的{relation}叫什么？", f"您的{relation}叫{first}。"),
                ("他住在哪里？", f"{first}住在{here}。"),
                (f"我{relation}喜欢什么？", f"{first}喜欢{hobby}。"),
            ],
        ),
        (
            f"昨天我和{first}去{here}吃了{dish}",
            [
                ("我和谁一起去的？", f"您和{first}一起去的。"),
                ("我们去了哪里？", f"您和{first}去了{here}。"),
                ("我们吃了什么？", f"您和{first}吃了{dish}。"),
            ],
        ),
        (
            f"我下周从{here}去{there}",
            [
                ("我从哪里出发？", f"您从{here}出发。"),
                ("我要去哪里？", f"您要去{there}。"),
                ("我的目的地是哪儿？", f"您的目的地是{there}。"),
            ],
        ),
        (
            f"我喜欢{dish}，不喜欢{thing}",
            [
                ("我喜欢什么？", f"您喜欢{dish}。"),
                ("我不喜欢什么？", f"您不喜欢{thing}。"),
            ],
        ),
    ]
    tell, asks = rng.choice(stories)
    question, answer = rng.choice(asks)
    return (tell + rng.choice(("", "。")), "好的，我知道了。"), (
        reword(question, "zh", rng),
        answer,
    )


def _story_en(rng: random.Random) -> tuple[Turn, ...]:
    first, second = values.english_name(rng), values.english_name(rng)
    here, there = values.english_city(rng), values.english_city(rng)
    dish, hobby = rng.choice(values.FOODS_EN).replace("~", " "), rng.choice(values.SPORTS_EN)
    thing = rng.choice(values.FRUITS_EN)
    many, few = rng.sample(range(2, 60), 2)
    stories = [
        (
            f"{first} has {many} {thing} and {second} has {few} {thing}.",
            [
                (f"How many {thing} does {first} have?", f"{first} has {many} {thing}."),
                (f"How many {thing} does {second} have?", f"{second} has {few} {thing}."),
                (f"Who has more {thing}?", f"{first if many > few else second} has more {thing}."),
            ],
        ),
        (
            f"My friend {first} lives in {here} and likes {hobby}.",
            [
                ("What is my friend's name?", f"Your friend's name is {first}."),
                ("Where does my friend live?", f"{first} lives in {here}."),
                ("What does my friend like?", f"{first} likes {hobby}."),
            ],
        ),
        (
            f"Yesterday {first} and I ate {dish} in {here}.",
            [
                ("Who was I with?", f"You were with {first}."),
                ("Where were we?", f"You were in {here}."),
                ("What did we eat?", f"You ate {dish}."),
            ],
        ),
        (
            f"Next week I will travel from {here} to {there}.",
            [
                ("Where do I start?", f"You start in {here}."),
                ("Where will I go?", f"You will go to {there}."),
            ],
        ),
        (
            f"I like {dish} but I do not like {thing}.",
            [
                ("What do I like?", f"You like {dish}."),
                ("What do I not like?", f"You do not like {thing}."),
            ],
        ),
    ]
    tell, asks = rng.choice(stories)
    question, answer = rng.choice(asks)
    return (tell, "All right, I see."), (reword(question, "en", rng), answer)


def _running_sum(language: Language, rng: random.Random) -> tuple[Turn, ...]:
    first, second, third = rng.randint(1, 30), rng.randint(1, 30), rng.randint(1, 20)
    total = first + second
    if language == "zh":
        ask, answer = "{}加{}等于多少？", "{}加{}等于{}。"
        again = rng.choice(("再加{}呢？", "再加上{}是多少？", "再加{}等于几？"))
    else:
        ask, answer = "What is {} plus {}?", "{} plus {} is {}."
        again = rng.choice(("And plus {}?", "Now add {}.", "What if I add {} more?"))
    return (
        (ask.format(first, second), answer.format(first, second, total)),
        (again.format(third), answer.format(total, third, total + third)),
    )
