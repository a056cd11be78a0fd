"""Other wordings of a question: particles, politeness, punctuation, short forms.

Only what leaves the meaning as it is, so that one answer fits all of them.
"""

from __future__ import annotations

import random
import re

from glmscope.train.generators.chat_entries import Language

_ZH_ASKS = re.compile("谁|什么|怎么|怎样|如何|哪|几|多少|多大|吗|呢|是不是|能不能|为什么|贵姓")
_ZH_COMMAND = re.compile(
    "(讲|说|写|介绍|解释|教|告诉|推荐|出|来|给|帮|用|换|再|翻译|陪|祝|鼓励|夸|谈|列|做|列举)"
)
_ZH_GREETINGS = ("你好，", "您好，", "嗨，", "请问一下，", "我想问一下，", "想请教一下，", "对了，")
_ZH_COURTESIES = ("请", "请你", "麻烦你", "麻烦", "请帮忙", "可以请你")
_ZH_PARTICLES = ("呢", "呀", "啊", "呢", "来着")
_ZH_ASIDES = ("嗯，", "哎，", "那个，", "唉，")

_EN_COMMAND = re.compile(
    "(Tell|Write|Give|Explain|Describe|Introduce|Say|Teach|Show|Recommend|Suggest|Make|Compose"
    "|Help|List|Translate|Name|Read|Cheer|Encourage|Wish)\\b"
)
_EN_GREETINGS = ("Hi, ", "Hello, ", "Hey, ", "Hi! ", "Hello! ", "Excuse me, ", "Quick question: ")
_EN_COURTESIES = ("Please ", "Can you ", "Could you ", "Would you ", "Could you please ")
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


def reword(question: str, language: Language, rng: random.Random) -> str:
    """One wording of `question`, the plain one among the likely ones."""
    return _reword_zh(question, rng) if language == "zh" else _reword_en(question, rng)


def _reword_zh(question: str, rng: random.Random) -> str:
    text = _zh_synonyms(question.rstrip("？。！"), rng)
    asks = question.endswith("？") or bool(_ZH_ASKS.search(text))
    commands = bool(_ZH_COMMAND.match(text)) and not question.endswith("？")
    opened = text.startswith(("请", "你好", "您好", "嗨", "不好意思", "抱歉", "谢谢"))
    simple = "，" not in text
    if commands and simple and rng.random() < 0.4:
        text = rng.choice(_ZH_COURTESIES) + text
    elif not opened and (asks or commands) and rng.random() < 0.25:
        text = (
            "请问" if asks and simple and rng.random() < 0.4 else rng.choice(_ZH_GREETINGS)
        ) + text
    elif not opened and rng.random() < 0.06:
        text = rng.choice(_ZH_ASIDES) + text
    if commands:
        return text + rng.choice(
            ("", "", "。", "！", "吧", "吧。", "，谢谢", "，好吗？", "，可以吗？")
        )
    if asks:
        if not text.endswith(("吗", "呢", "呀", "啊", "吧")) and rng.random() < 0.15:
            text += rng.choice(_ZH_PARTICLES[:-1] if "怎么" not in text else _ZH_PARTICLES)
        return text + rng.choice(("？", "？", "？", "？", "?", "", ""))
    return text + rng.choice(("", "", "", "。", "。", "！", "~"))


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
