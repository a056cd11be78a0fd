"""What a user tells about themselves and asks for later: wordings with a slot, in both languages.

`tell` and `clause` hold the fact, `ask` asks for it, `answer` gives it back. In `tell`, `ask` and
`answer`, `{}` is the value; `heard` answers the telling.
"""

from __future__ import annotations

from dataclasses import dataclass

from glmscope.train.generators import chat_values as values
from glmscope.train.generators.chat_entries import Language
from glmscope.train.generators.chat_values import Draw, one_of, whole_number


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that a user can tell; `unknown` answers when it was not told."""

    draw: Draw
    tell: tuple[str, ...]
    ask: tuple[str, ...]
    answer: str
    heard: str
    unknown: str


def _fact(draw: Draw, tell: str, ask: str, answer: str, heard: str, unknown: str) -> Fact:
    return Fact(draw, tuple(tell.split("|")), tuple(ask.split("|")), answer, heard, unknown)


def _mine_zh(thing: str, draw: Draw, which: str = "是什么") -> Fact:
    return _fact(
        draw,
        f"我的{thing}是{{}}|我{thing}是{{}}|请记住，我的{thing}是{{}}|告诉你，我的{thing}是{{}}",
        f"我的{thing}{which}？|你还记得我的{thing}吗？|我的{thing}{which}来着？|我刚才说我的{thing}{which}？"
        f"|告诉我我的{thing}|我{thing}{which}？",
        f"您的{thing}是{{}}。",
        f"好的，我记住了，您的{thing}是{{}}。",
        f"您还没有告诉我您的{thing}。",
    )


def _mine_en(thing: str, draw: Draw) -> Fact:
    return _fact(
        draw,
        f"My {thing} is {{}}.|Please remember that my {thing} is {{}}.|By the way, my {thing} is {{}}."
        f"|{{}} is my {thing}.",
        f"What is my {thing}?|Do you remember my {thing}?|Tell me my {thing}.|What did I say my {thing} is?"
        f"|Can you tell me what my {thing} is?",
        f"Your {thing} is {{}}.",
        f"All right, I will remember that your {thing} is {{}}.",
        f"You have not told me your {thing} yet.",
    )


_NAME_ZH = _fact(
    values.any_chinese_name,
    "我叫{}|我的名字叫{}|我的名字是{}|你好，我叫{}|大家都叫我{}|我是{}|你可以叫我{}|你好，我是{}|请叫我{}",
    "我叫什么名字？|我叫什么？|我的名字是什么？|我是谁？|你还记得我的名字吗？|你知道我叫什么吗？|我刚才说我叫什么？|我叫啥？"
    "|还记得我是谁吗？|说出我的名字|你记得我叫什么吗？|请问我叫什么名字？",
    "您叫{}。",
    "您好，{}！很高兴认识您。",
    "您还没有告诉我您的名字。",
)
_FACTS_ZH = (
    _NAME_ZH,
    _NAME_ZH,
    _NAME_ZH,
    _fact(
        values.chinese_city,
        "我住在{}|我在{}生活|我家在{}|我现在住在{}|我来自{}|我是{}人",
        "我住在哪里？|我住在哪个城市？|我家在哪里？|你还记得我住哪儿吗？|我是哪里人？|我在哪个城市？|我来自哪里？",
        "您在{}。",
        "好的，我记住了，您在{}。",
        "您还没有告诉我您在哪里。",
    ),
    _fact(
        whole_number(5, 90),
        "我今年{}岁|我{}岁了|我今年{}岁了|我的年龄是{}岁",
        "我多大了？|我今年几岁？|我几岁了？|我的年龄是多少？|你还记得我多大吗？|我今年多少岁？",
        "您今年{}岁。",
        "好的，我记住了，您今年{}岁。",
        "您还没有告诉我您的年龄。",
    ),
    _fact(
        one_of(values.JOBS),
        "我是一名{}|我的工作是{}|我是个{}|我的职业是{}|我当{}已经好几年了",
        "我是做什么工作的？|我的职业是什么？|我的工作是什么？|你还记得我的工作吗？|我是干什么的？",
        "您是一名{}。",
        "好的，我记住了，您是一名{}。",
        "您还没有告诉我您的工作。",
    ),
    _fact(
        one_of(values.FOODS),
        "我最喜欢吃{}|我爱吃{}|我特别喜欢吃{}|我喜欢吃{}",
        "我喜欢吃什么？|我最喜欢吃什么？|我爱吃什么？|你记得我喜欢吃什么吗？|我说过我爱吃什么？",
        "您喜欢吃{}。",
        "好的，我记住了，您喜欢吃{}。",
        "您还没有告诉我您喜欢吃什么。",
    ),
    _fact(
        one_of(values.SPORTS),
        "我的爱好是{}|我喜欢{}|我平时喜欢{}|周末我喜欢{}|我最大的爱好是{}",
        "我的爱好是什么？|我喜欢做什么？|我平时喜欢什么？|你记得我的爱好吗？|我有什么爱好？",
        "您的爱好是{}。",
        "好的，我记住了，您的爱好是{}。",
        "您还没有告诉我您的爱好。",
    ),
    _fact(
        values.pet_name,
        "我的猫叫{}|我家的猫叫{}|我养了一只猫，叫{}|我有一只小猫，名字叫{}",
        "我的猫叫什么？|我的猫叫什么名字？|我家猫咪叫什么？|你还记得我的猫叫什么吗？",
        "您的猫叫{}。",
        "真是好听的名字，我记住了，您的猫叫{}。",
        "您还没有告诉我您的猫叫什么。",
    ),
    _fact(
        values.pet_name,
        "我的狗叫{}|我家的狗叫{}|我养了一条狗，叫{}|我有一只小狗，名字叫{}",
        "我的狗叫什么？|我的狗叫什么名字？|我家小狗叫什么？|你还记得我的狗叫什么吗？",
        "您的狗叫{}。",
        "真是好听的名字，我记住了，您的狗叫{}。",
        "您还没有告诉我您的狗叫什么。",
    ),
    _fact(
        values.time_zh,
        "我{}要开会|我的会议在{}|会议定在{}|我{}有个会|今天的会议是{}",
        "我几点开会？|会议是几点？|我的会议是什么时候？|我什么时候开会？|你还记得会议几点吗？",
        "您的会议在{}。",
        "好的，我记住了，您的会议在{}。",
        "您还没有告诉我会议的时间。",
    ),
    _fact(
        one_of(values.WEEKDAYS),
        "我{}要去看医生|我约了{}看医生|我{}去医院",
        "我哪天看医生？|我什么时候去看医生？|我约的是哪天？|我哪天去医院？",
        "您{}去看医生。",
        "好的，我记住了，您{}去看医生。",
        "您还没有告诉我哪天去看医生。",
    ),
    _fact(
        values.number,
        "请记住数字{}|记住这个数字：{}|我想的数字是{}|帮我记一个数：{}|记一下，{}",
        "我让你记住的数字是多少？|刚才的数字是多少？|我说的数字是几？|那个数字是什么？|我刚才说的是哪个数？",
        "您说的数字是{}。",
        "好的，我记住了，数字是{}。",
        "您还没有告诉我数字。",
    ),
    _fact(
        one_of((*values.FRUITS, *values.THINGS, *values.ANIMALS, *values.JOBS)),
        "请记住这个词：{}|记住一个词，{}|我要你记住的词是{}|暗号是{}",
        "我让你记住的词是什么？|刚才那个词是什么？|我说的词是什么？|暗号是什么？",
        "您说的词是{}。",
        "好的，我记住了，这个词是{}。",
        "您还没有告诉我要记住的词。",
    ),
    _mine_zh("幸运数字", values.number, "是多少"),
    _mine_zh("最喜欢的颜色", one_of(values.COLORS)),
    _mine_zh("生日", values.date_zh, "是哪天"),
    _mine_zh("座位号", values.code, "是多少"),
    _mine_zh("房间号", values.number, "是多少"),
    _mine_zh("取件码", values.code),
    _mine_zh("航班号", values.code, "是多少"),
    _mine_zh("同桌", values.any_chinese_name, "是谁"),
    _mine_zh("老师", values.any_chinese_name, "是谁"),
    _mine_zh("最好的朋友", values.any_chinese_name, "是谁"),
    _mine_zh("最喜欢的水果", one_of(values.FRUITS)),
    _mine_zh("最喜欢的动物", one_of(values.ANIMALS)),
    _mine_zh("最喜欢的运动", one_of(values.SPORTS)),
    _mine_zh("家乡", values.chinese_city, "是哪里"),
    _mine_zh("身高", lambda rng: f"{rng.randint(120, 199)}厘米", "是多少"),
    _mine_zh("体重", lambda rng: f"{rng.randint(30, 110)}公斤", "是多少"),
    _mine_zh("预算", lambda rng: f"{rng.randint(1, 99) * 100}元", "是多少"),
)

_NAME_EN = _fact(
    values.any_english_name,
    "My name is {}.|I am {}.|Hi, I am {}.|Hello, my name is {}.|Call me {}.|You can call me {}."
    "|People call me {}.|Hi! My name is {}.",
    "What is my name?|Do you remember my name?|Who am I?|Tell me my name.|What did I say my name is?"
    "|Do you know my name?|Can you tell me my name?",
    "Your name is {}.",
    "Hello, {}! Nice to meet you.",
    "You have not told me your name yet.",
)
_FACTS_EN = (
    _NAME_EN,
    _NAME_EN,
    _fact(
        values.english_city,
        "I live in {}.|I am from {}.|My home is in {}.|I come from {}.|I moved to {} last year.",
        "Where do I live?|Which city do I live in?|Where am I from?|Do you remember where I live?"
        "|What city am I in?",
        "You live in {}.",
        "All right, I will remember that you live in {}.",
        "You have not told me where you live yet.",
    ),
    _fact(
        whole_number(5, 90),
        "I am {} years old.|I am {}.|I turned {} this year.|My age is {}.",
        "How old am I?|What is my age?|Do you remember my age?|Tell me how old I am.",
        "You are {} years old.",
        "All right, I will remember that you are {} years old.",
        "You have not told me your age yet.",
    ),
    _fact(
        one_of(values.JOBS_EN),
        "I work as a {}.|My job is {}.|I make my living as a {}.|I am working as a {}.",
        "What is my job?|What do I do?|What do I work as?|Do you remember my job?",
        "You work as a {}.",
        "All right, I will remember that you work as a {}.",
        "You have not told me your job yet.",
    ),
    _fact(
        one_of(values.FOODS_EN),
        "I like to eat {}.|I love {}.|My favorite food is {}.|I eat {} every week.",
        "What do I like to eat?|What is my favorite food?|What food do I like?"
        "|Do you remember what I like to eat?",
        "You like {}.",
        "All right, I will remember that you like {}.",
        "You have not told me what you like to eat yet.",
    ),
    _fact(
        one_of(values.SPORTS_EN),
        "My hobby is {}.|I enjoy {}.|I like {} on weekends.|In my free time I like {}.",
        "What is my hobby?|What do I like to do?|What do I enjoy?|Do you remember my hobby?",
        "Your hobby is {}.",
        "All right, I will remember that your hobby is {}.",
        "You have not told me your hobby yet.",
    ),
    _fact(
        values.invented_name,
        "My cat is called {}.|I have a cat named {}.|My cat's name is {}.|I have a cat, {}.",
        "What is my cat called?|What is the name of my cat?|What is my cat's name?"
        "|Do you remember the name of my cat?",
        "Your cat is called {}.",
        "What a nice name! I will remember that your cat is called {}.",
        "You have not told me the name of your cat yet.",
    ),
    _fact(
        values.invented_name,
        "My dog is called {}.|I have a dog named {}.|My dog's name is {}.|I have a dog, {}.",
        "What is my dog called?|What is the name of my dog?|What is my dog's name?"
        "|Do you remember the name of my dog?",
        "Your dog is called {}.",
        "What a nice name! I will remember that your dog is called {}.",
        "You have not told me the name of your dog yet.",
    ),
    _fact(
        values.time_en,
        "My meeting is at {}.|I have a meeting at {}.|The meeting starts at {}.|We meet at {}.",
        "When is my meeting?|What time is my meeting?|When does the meeting start?"
        "|Do you remember the time of my meeting?",
        "Your meeting is at {}.",
        "All right, I will remember that your meeting is at {}.",
        "You have not told me the time of your meeting yet.",
    ),
    _fact(
        values.number,
        "Remember the number {}.|Please remember this number: {}.|My secret number is {}."
        "|The number is {}.|Keep {} in mind.",
        "What was the number?|Which number did I tell you?|What number did I ask you to remember?"
        "|What is the number?",
        "The number is {}.",
        "All right, I will remember the number {}.",
        "You have not told me a number yet.",
    ),
    _fact(
        one_of((*values.FRUITS_EN, *values.THINGS_EN, *values.ANIMALS_EN, *values.COLORS_EN)),
        "Remember the word {}.|Please remember this word: {}.|The secret word is {}.|The password is {}.",
        "What was the word?|Which word did I tell you?|What word did I ask you to remember?"
        "|What is the word?",
        "The word is {}.",
        "All right, I will remember the word {}.",
        "You have not told me a word yet.",
    ),
    _mine_en("lucky number", values.number),
    _mine_en("favorite color", one_of(values.COLORS_EN)),
    _mine_en("birthday", values.date_en),
    _mine_en("seat number", values.code),
    _mine_en("flight number", values.code),
    _mine_en("room number", values.number),
    _mine_en("best friend", values.any_english_name),
    _mine_en("teacher", values.any_english_name),
    _mine_en("favorite animal", one_of(values.ANIMALS_EN)),
    _mine_en("favorite sport", one_of(values.SPORTS_EN)),
    _mine_en("home town", values.english_city),
)

FACTS: dict[Language, tuple[Fact, ...]] = {"zh": _FACTS_ZH, "en": _FACTS_EN}
