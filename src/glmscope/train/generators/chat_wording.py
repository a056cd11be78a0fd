"""Other wordings of a question: particles, politeness, punctuation, short forms.

Only what leaves the meaning as it is, so that one answer fits all of them.
"""

from __future__ import annotations

import random
import re

from glmscope.train.generators.chat_entries import Language

_ZH_COMMAND = re.compile(
    "(?!说得|说的|写得|再见|再会|祝你|出去)"
    "(讲|说|写|介绍|解释|教|告诉|推荐|出|来|给|帮|用|换|再|翻译|陪|鼓励|夸|谈|列|做|重复|概括|总结|简)"
)
_ZH_GREETINGS = (
    "你好，",
    "您好，",
    "嗨，",
    "对了，",
    "小助手，",
    "哈喽，",
    "喂，",
    "在吗，",
    "嘿，",
)
_ZH_QUESTION_OPENINGS = (
    *_ZH_GREETINGS,
    *("请问", "请问", "请问", "我想问一下，", "想请教一下，", "请问一下，", "问一下，"),
    *(
        "我有个问题，",
        "话说，",
        "顺便问一句，",
        "想问问，",
        "有点好奇，",
        "跟你打听一下，",
        "麻烦问下，",
    ),
)
_ZH_COMMAND_OPENINGS = (
    *_ZH_GREETINGS,
    "请",
    "请",
    "请",
    "请你",
    "麻烦你",
    "麻烦",
    "请帮忙",
    "劳驾",
    "那就",
    "帮忙",
)
_ZH_COMMAND_ENDINGS = (
    "",
    "",
    "。",
    "！",
    "吧",
    "吧。",
    "，谢谢",
    "，好吗？",
    "，可以吗？",
    "，行吗？",
    "，多谢",
    "，拜托",
)
_ZH_ASIDES = ("嗯，", "哎，", "那个，", "唉，")

_EN_COMMAND = re.compile(
    "(Tell|Write|Give|Explain|Describe|Introduce|Say|Teach|Show|Recommend|Suggest|Make|Compose"
    "|Help|List|Translate|Name|Read|Cheer|Encourage|Wish)\\b"
)
_EN_GREETINGS = (
    "Hi, ",
    "Hello, ",
    "Hey, ",
    "Hi! ",
    "Hello! ",
    "Excuse me, ",
    "Quick question: ",
    "Just wondering, ",
    "By the way, ",
    "One question: ",
    "So, ",
)
_EN_COURTESIES = (
    "Please ",
    "Can you ",
    "Could you ",
    "Would you ",
    "Could you please ",
    "Kindly ",
    "Would you please ",
)
_EN_SHORT_FORMS = (
    ("I am ", "I'm "),
    ("What is ", "What's "),
    ("Who is ", "Who's "),
    ("do not ", "don't "),
    ("cannot ", "can't "),
    ("I would ", "I'd "),
    ("That is ", "That's "),
    ("You are ", "You're "),
    ("It is ", "It's "),
)


_INNERMOST_CHOICE = re.compile(r"\[([^\[\]]*)\]")


def choose(template: str, rng: random.Random) -> str:
    """`template` with one alternative drawn for every `[a|b|]` in it; choices may nest."""
    while (choice := _INNERMOST_CHOICE.search(template)) is not None:
        option = rng.choice(choice[1].split("|"))
        template = template[: choice.start()] + option + template[choice.end() :]
    return template


def reword(question: str, language: Language, rng: random.Random) -> str:
    """One wording of `question`, the plain one among the likely ones."""
    return _reword_zh(question, rng) if language == "zh" else _reword_en(question, rng)


def _reword_zh(question: str, rng: random.Random) -> str:
    text = _zh_synonyms(question.rstrip("？。！"), rng)
    if question.endswith("？"):
        return _polite_zh(text, _ZH_QUESTION_OPENINGS, rng) + _zh_question_end(text, rng)
    if _ZH_COMMAND.match(text):
        text = _polite_zh(text, _ZH_COMMAND_OPENINGS, rng)
        endings = _ZH_COMMAND_ENDINGS[: 4 if text.endswith("吧") else None]
        return text + rng.choice(endings)
    if rng.random() < 0.05:
        text = rng.choice(_ZH_ASIDES) + text
    return text + rng.choice(("", "", "", "。", "。", "！", "~"))


def _polite_zh(text: str, openings: tuple[str, ...], rng: random.Random) -> str:
    opened = text.startswith(("请", "你好", "您好", "嗨", "不好意思", "抱歉", "谢谢"))
    if opened or rng.random() >= 0.35:
        return text
    opening = rng.choice(openings)
    # A second clause would not be governed by 请 or 请问.
    return text if "，" in text and not opening.endswith("，") else opening + text


def _zh_question_end(text: str, rng: random.Random) -> str:
    particle = ""
    if not text.endswith(("吗", "呢", "呀", "啊", "吧")) and rng.random() < 0.15:
        particle = rng.choice(("呢", "呀", "啊"))
    return particle + rng.choice(("？", "？", "？", "？", "?", "", ""))


def _zh_synonyms(text: str, rng: random.Random) -> str:
    if rng.random() < 0.3:
        text = re.sub("怎么(?!样|了|办|这么)", rng.choice(("如何", "怎样", "怎么")), text)
    if rng.random() < 0.3:
        text = text.replace("一下", rng.choice(("", "下", "一下")), 1)
    if rng.random() < 0.06:
        text = text.replace("什么", "啥").replace("为啥", "为什么")
    if rng.random() < 0.12:
        text = text.replace("你", "您")
    return text


def _reword_en(question: str, rng: random.Random) -> str:
    text = question
    for long, short in _EN_SHORT_FORMS:
        if long in text and rng.random() < 0.35:
            text = text.replace(long, short, 1)
    if _EN_COMMAND.match(text) and rng.random() < 0.45:
        courtesy = rng.choice(_EN_COURTESIES)
        text = courtesy + text[0].lower() + text[1:].rstrip(".")
        text += "." if courtesy == "Please " else "?"
    elif text.endswith(("?", ".")) and rng.random() < 0.2:
        opening = rng.choice(_EN_GREETINGS)
        keeps_case = opening.endswith("! ") or re.match(r"I\b", text)
        text = opening + (text if keeps_case else text[0].lower() + text[1:])
    if text.endswith("?") and rng.random() < 0.08:
        text = text[:-1].removesuffix(", please") + rng.choice((", please?", " please?"))
    ending = rng.random()
    if ending < 0.25:
        text = text.rstrip("?.!")
    elif not text.endswith(("?", ".", "!")) and ending < 0.6:
        text += rng.choice((".", "!"))
    if rng.random() < 0.15:
        text = text.lower()
    return text
