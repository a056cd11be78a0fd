"""Follow-ups on the model's own answer: again, shorter, more, one step of it, what was asked."""

from __future__ import annotations

import random
from collections.abc import Sequence

from glmscope.train.generators.chat_entries import Entry, Language, numbered
from glmscope.train.generators.chat_wording import reword

Turn = tuple[str, str]
"""A question and its answer."""

_REPEAT: dict[Language, tuple[str, ...]] = {
    "zh": (
        "再说一遍",
        "请再说一遍",
        "再说一次",
        "我没听清，再说一遍",
        "重复一遍",
        "重复你刚才的回答",
        "你刚才说什么？",
        "没看清，再来一遍",
        "能再说一遍吗？",
        "你上一句说了什么？",
        "把刚才的话再说一遍",
    ),
    "en": (
        "Say that again.",
        "Please repeat that.",
        "Can you repeat that?",
        "What did you just say?",
        "Repeat your last answer.",
        "Once more, please.",
        "I did not catch that. Say it again.",
        "Could you say that once more?",
    ),
}
_SHORTEN: dict[Language, tuple[str, ...]] = {
    "zh": (
        "用一句话总结",
        "总结成一句话",
        "用一句话说",
        "一句话概括一下",
        "简单说一下",
        "说得短一点",
        "太长了，用一句话说",
        "概括一下",
        "能用一句话总结吗？",
        "简短地说一遍",
    ),
    "en": (
        "Sum it up in one sentence.",
        "Make it shorter.",
        "Summarize that in one sentence.",
        "In one sentence, please.",
        "Can you say that in one sentence?",
        "Give me the short version.",
        "Too long. Say it in one sentence.",
    ),
}
_ASKED: dict[Language, tuple[str, ...]] = {
    "zh": (
        "我刚才问了什么？",
        "我刚刚问了你什么？",
        "我上一个问题是什么？",
        "我刚才说了什么？",
        "你还记得我刚才问什么吗？",
        "我上一句话是什么？",
        "我前面问的是什么？",
    ),
    "en": (
        "What did I just ask?",
        "What was my last question?",
        "What did I say just now?",
        "Do you remember what I asked?",
        "What was my question?",
        "Repeat my question.",
    ),
}
_ASKED_FIRST: dict[Language, tuple[str, ...]] = {
    "zh": (
        "我的第一个问题是什么？",
        "我最开始问了什么？",
        "我第一句话说了什么？",
        "我一开始问的是什么？",
    ),
    "en": ("What was my first question?", "What did I ask first?", "What did I say at the start?"),
}
_ASKED_ANSWER: dict[Language, str] = {"zh": "您问的是：“{}”", "en": 'You asked: "{}"'}
_MORE: dict[Language, tuple[str, ...]] = {
    "zh": (
        "还有吗？",
        "继续",
        "还有别的建议吗？",
        "还有什么要注意的？",
        "还有呢？",
        "接着说",
        "有什么窍门？",
        "还要注意什么？",
    ),
    "en": (
        "Anything else?",
        "Go on.",
        "Continue.",
        "Any other tips?",
        "What else should I know?",
        "Tell me more.",
        "Is there anything else?",
    ),
}
_MORE_ANSWER: dict[Language, str] = {"zh": "还有一点：{}", "en": "One more thing: {}"}
_ORDINALS: dict[Language, tuple[str, ...]] = {
    "zh": ("第一步", "第二步", "第三步", "第四步", "第五步"),
    "en": ("first step", "second step", "third step", "fourth step", "fifth step"),
}
_STEP: dict[Language, tuple[str, ...]] = {
    "zh": (
        "{}是什么？",
        "{}怎么做？",
        "{}呢？",
        "{}要做什么？",
        "说一下{}",
        "再说一遍{}",
        "{}是啥？",
        "请告诉我{}",
    ),
    "en": (
        "What is the {}?",
        "Tell me the {}.",
        "What was the {}?",
        "Repeat the {}.",
        "And the {}?",
    ),
}
_LAST_STEP: dict[Language, tuple[str, ...]] = {
    "zh": ("最后一步是什么？", "最后一步呢？", "最后要做什么？", "最后怎么做？"),
    "en": ("What is the last step?", "And the last step?", "What comes last?"),
}
_STEP_ANSWER: dict[Language, str] = {"zh": "{}：{}", "en": "The {}: {}"}
_STEP_COUNT: dict[Language, tuple[str, ...]] = {
    "zh": ("一共有几步？", "总共几个步骤？", "要几步？", "有多少步？"),
    "en": ("How many steps are there?", "How many steps is that?"),
}
_STEP_COUNT_ANSWER: dict[Language, tuple[str, str]] = {
    "zh": ("一共有{}步。", "零一两三四五"),
    "en": ("There are {} steps.", "012345"),
}
_START: dict[Language, tuple[str, ...]] = {
    "zh": ("{}先说前两步。", "{}先告诉我前两步就行。", "{}只说前两步。"),
    "en": ("{} Only the first two steps.", "{} Just the first two steps for now."),
}
_REST: dict[Language, tuple[str, ...]] = {
    "zh": ("继续", "请继续", "接着说", "然后呢？", "后面呢？", "剩下的呢？", "再往下说"),
    "en": ("Continue.", "Go on.", "And then?", "What next?", "Please continue.", "And the rest?"),
}
_TITLE = ("这首诗叫什么名字？", "这首诗的题目是什么？", "题目是什么？", "诗的名字是什么？")


def follow_up(
    entry: Entry, question: str, rng: random.Random, before: Sequence[Turn] = ()
) -> tuple[Turn, ...]:
    """`question` and the reply of `entry`, after the turns `before`, and then what is asked on it."""
    language = entry.language
    turns = [*before, (question, entry.reply)]
    draw = rng.random()
    if entry.steps and draw < 0.7:
        return (*before, *_on_steps(entry, question, rng))
    if entry.reply.startswith("《") and draw < 0.25:
        title = entry.reply[: entry.reply.index("》") + 1]
        turns.append((reword(rng.choice(_TITLE), language, rng), f"这首诗叫{title}。"))
    elif draw < 0.8 and before and rng.random() < 0.25:
        ask = reword(rng.choice(_ASKED_FIRST[language]), language, rng)
        turns.append((ask, _ASKED_ANSWER[language].format(before[0][0])))
    elif draw < 0.3 or entry.steps:
        ask = reword(rng.choice(_ASKED[language]), language, rng)
        turns.append((ask, _ASKED_ANSWER[language].format(question)))
    elif draw < 0.65 or entry.first_sentence == entry.reply:
        turns.append((reword(rng.choice(_REPEAT[language]), language, rng), entry.reply))
    else:
        turns.append((reword(rng.choice(_SHORTEN[language]), language, rng), entry.first_sentence))
    return tuple(turns)


def _on_steps(entry: Entry, question: str, rng: random.Random) -> tuple[Turn, ...]:
    language, steps = entry.language, entry.steps
    draw = rng.random()
    if draw < 0.2:
        opening = "\n".join((entry.answer, *numbered(steps[:2])))
        rest = "\n".join(numbered(steps[2:], start=3))
        sentence = _as_sentence(question, language)
        start = rng.choice(_START[language]).format(sentence)
        return (start, opening), (reword(rng.choice(_REST[language]), language, rng), rest)
    if draw < 0.4 and entry.tip:
        asked, answer = rng.choice(_MORE[language]), _MORE_ANSWER[language].format(entry.tip)
    elif draw < 0.5:
        wording, digits = _STEP_COUNT_ANSWER[language]
        asked, answer = rng.choice(_STEP_COUNT[language]), wording.format(digits[len(steps)])
    elif draw < 0.6:
        asked, answer = rng.choice(_LAST_STEP[language]), _step_answer(entry, len(steps) - 1)
    else:
        number = rng.randrange(len(steps))
        asked = rng.choice(_STEP[language]).format(_ORDINALS[language][number])
        answer = _step_answer(entry, number)
    return (question, entry.reply), (reword(asked, language, rng), answer)


def _step_answer(entry: Entry, index: int) -> str:
    ordinal = _ORDINALS[entry.language][index]
    return _STEP_ANSWER[entry.language].format(ordinal, entry.steps[index])


def _as_sentence(question: str, language: Language) -> str:
    if question.endswith(("？", "。", "！", "?", ".", "!")):
        return question
    return question + ("。" if language == "zh" else ".")
