"""Values for the slots of a pattern: names, places, things, numbers, codes.

Names and numbers are put together from parts, so that a model has to copy them and cannot know
them by heart.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping

from glmscope.train.generators.chat_entries import Language
from glmscope.train.generators.digits import digits
from glmscope.train.generators.recall_values import COMPOSED

Pools = Mapping[str, tuple[str, ...]]
"""Words to draw from, by the name of the slot."""

_SLOT = re.compile(r"\{([a-z_]+)(\d?)\}")
_COMPANY_KINDS_ZH = (
    *("科技", "食品", "物流", "医院", "书店", "银行"),
    *("饭店", "超市", "出版社", "工厂", "集团", "公司"),
)
_SCHOOL_KINDS_ZH = ("大学", "中学", "小学", "学院", "一中", "实验学校")
_CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


class Slots:
    """The values of one dialogue: a slot is drawn when it is first met, and then kept.

    `{person1}` and `{person2}` are drawn from the same values and differ.
    """

    def __init__(self, pools: Pools, language: Language, rng: random.Random) -> None:
        self._pools = pools
        self._language = language
        self._makers = _MAKERS[language]
        self._rng = rng
        self._drawn: dict[str, str] = {}

    def fill(self, pattern: str) -> str:
        """`pattern` with its slots filled. Raises KeyError for a slot that has no values."""
        return _SLOT.sub(self._value, pattern)

    def redrawn(self, kept: str) -> Slots:
        """Fresh values, but for the slots in the pattern `kept`."""
        fresh = Slots(self._pools, self._language, self._rng)
        for slot in _SLOT.finditer(kept):
            fresh._drawn[slot[0]] = self._value(slot)
        return fresh

    def _value(self, slot: re.Match[str]) -> str:
        key, kind = slot[0], slot[1]
        while key not in self._drawn:
            value = self._draw(kind)
            if value not in self._drawn.values():
                self._drawn[key] = value
        return self._drawn[key]

    def _draw(self, kind: str) -> str:
        maker = self._makers.get(kind)
        if maker:
            return maker(self._rng, self._pools)
        # A word of a pool may have slots of its own: 加{small}勺盐.
        return Slots(self._pools, self._language, self._rng).fill(
            self._rng.choice(self._pools[kind])
        )


def _full_name_zh(rng: random.Random, pools: Pools) -> str:
    given = "".join(rng.choice(pools["given"]) for _ in range(rng.choice((1, 2, 2))))
    return rng.choice(pools["surname"]) + given


def _person_zh(rng: random.Random, pools: Pools) -> str:
    """A full name, or what friends and children are called: 小明, 阿强, 王阿姨, 婷婷."""
    if rng.random() < 0.65:
        return _full_name_zh(rng, pools)
    given = rng.choice(pools["given"])
    titled = rng.choice(pools["surname"]) + rng.choice(pools["title"])
    return rng.choice((f"小{given}", f"阿{given}", given * 2, titled))


def _pet_zh(rng: random.Random, pools: Pools) -> str:
    forms = (
        rng.choice(pools["given"]) * 2,
        rng.choice("小大阿老") + rng.choice(pools["pet_word"]),
        rng.choice((*pools["fruit"], *pools["food"])),
        _invented_zh(rng, pools),
    )
    return rng.choice(forms)


def _invented_zh(rng: random.Random, pools: Pools) -> str:
    """Two or three characters that nobody has put side by side."""
    return "".join(rng.choice(pools["given"]) for _ in range(rng.choice((2, 3))))


def _town_zh(rng: random.Random, pools: Pools) -> str:
    """A city, or as often a place that is on no map."""
    if rng.random() < 0.35:
        return rng.choice(pools["city"])
    length = rng.choice((1, 2, 2, 2))
    invented = "".join(rng.choice(pools["given"]) for _ in range(length))
    return invented + rng.choice("市县镇村岛湾州城桥山")


def _company_zh(rng: random.Random, pools: Pools) -> str:
    kind = rng.choice(_COMPANY_KINDS_ZH)
    return _invented_zh(rng, pools) + kind


def _school_zh(rng: random.Random, pools: Pools) -> str:
    return _invented_zh(rng, pools) + rng.choice(_SCHOOL_KINDS_ZH)


def _book_zh(rng: random.Random, pools: Pools) -> str:
    forms = (
        _invented_zh(rng, pools),
        f"{rng.choice(pools['color'])}的{rng.choice(pools['thing'])}",
        f"{rng.choice(pools['animal'])}和{rng.choice(pools['fruit'])}",
        f"{_invented_zh(rng, pools)}的{rng.choice(pools['animal'])}",
    )
    return f"《{rng.choice(forms)}》"


def _seat_zh(rng: random.Random, pools: Pools) -> str:
    row = f"{rng.randint(1, 30)}{rng.choice(('排', '车', '号车厢'))}"
    return rng.choice((f"{row}{rng.randint(1, 99)}号", f"{row}{rng.randint(1, 20)}{_letter(rng)}"))


def _letter(rng: random.Random) -> str:
    return rng.choice("ABCDF")


def _train(rng: random.Random, pools: Pools) -> str:
    return rng.choice("GDKTZC") + str(rng.randint(1, 9999))


def _phone(rng: random.Random, pools: Pools) -> str:
    return digits(rng, rng.choice((7, 8, 11)))


def _word(rng: random.Random, pools: Pools) -> str:
    return rng.choice((*pools["fruit"], *pools["thing"], *pools["animal"], *pools["color"]))


def _date_zh(rng: random.Random, pools: Pools) -> str:
    return f"{rng.randint(1, 12)}月{rng.randint(1, 28)}日"


def _time_zh(rng: random.Random, pools: Pools) -> str:
    part = rng.choice(("上午", "下午", "早上", "晚上", ""))
    return f"{part}{rng.randint(1, 12)}点{rng.choice(('', '', '半', '一刻'))}"


def _person_en(rng: random.Random, pools: Pools) -> str:
    """A first name, a full name, or now and then a name that nobody has."""
    forms = (rng.choice(pools["first_name"]), _full_name_en(rng, pools), _invented_en(rng, pools))
    return rng.choices(forms, (55, 20, 25))[0]


def _full_name_en(rng: random.Random, pools: Pools) -> str:
    return f"{rng.choice(pools['first_name'])} {rng.choice(pools['last_name'])}"


def _invented_en(rng: random.Random, pools: Pools) -> str:
    """Two or three syllables, as pets and products are called."""
    return "".join(rng.choice(pools["syllable"]) for _ in range(rng.choice((2, 2, 3)))).capitalize()


def _town_en(rng: random.Random, pools: Pools) -> str:
    """A city, or as often a place that is on no map."""
    if rng.random() < 0.35:
        return rng.choice(pools["city"])
    return _invented_en(rng, pools) + rng.choice(("", "", "ville", "ton", "burg", "ford", "stad"))


def _company_en(rng: random.Random, pools: Pools) -> str:
    kinds = ("Foods", "Motors", "Bank", "Books", "Software", "Airlines", "Press", "Hospital")
    return f"{_invented_en(rng, pools)} {rng.choice(kinds)}"


def _school_en(rng: random.Random, pools: Pools) -> str:
    return f"{_invented_en(rng, pools)} {rng.choice(('High School', 'University', 'College'))}"


def _book_en(rng: random.Random, pools: Pools) -> str:
    forms = (
        f"The {rng.choice(pools['color'])} {rng.choice(pools['animal'])}".title(),
        f"{_invented_en(rng, pools)} and the {rng.choice(pools['animal']).title()}",
        f"The {rng.choice(pools['job']).title()} of {_invented_en(rng, pools)}",
    )
    return rng.choice(forms)


def _seat_en(rng: random.Random, pools: Pools) -> str:
    return f"{rng.randint(1, 40)}{_letter(rng)}"


def _date_en(rng: random.Random, pools: Pools) -> str:
    return f"{rng.choice(pools['month'])} {rng.randint(1, 28)}"


def _time_en(rng: random.Random, pools: Pools) -> str:
    minutes = rng.choice(("00", "15", "30", "45"))
    return f"{rng.randint(1, 12)}:{minutes} {rng.choice(('am', 'pm'))}"


def _number(rng: random.Random, pools: Pools) -> str:
    """One to five digits, every length alike."""
    return digits(rng, rng.randint(1, 5))


def _code(rng: random.Random, pools: Pools) -> str:
    """Letters and digits, as on a seat, a flight or a parcel: K7, CA183."""
    letters = "".join(rng.choice(_CODE_LETTERS) for _ in range(rng.randint(1, 2)))
    return letters + "".join(rng.choice("0123456789") for _ in range(rng.randint(2, 4)))


_Maker = Callable[[random.Random, Pools], str]
_COMMON_MAKERS: dict[str, _Maker] = {
    "number": _number,
    "code": _code,
    "word": _word,
    "train": _train,
    "phone": _phone,
    "small": lambda rng, pools: str(rng.randint(2, 12)),
    "age": lambda rng, pools: str(rng.randint(5, 90)),
    "many": lambda rng, pools: str(rng.randint(20, 60)),
    "few": lambda rng, pools: str(rng.randint(2, 19)),
    "height": lambda rng, pools: str(rng.randint(120, 199)),
    "weight": lambda rng, pools: str(rng.randint(30, 110)),
    "budget": lambda rng, pools: str(rng.randint(1, 99) * 100),
}
_MAKERS: dict[Language, dict[str, _Maker]] = {
    "zh": _COMMON_MAKERS
    | COMPOSED["zh"]
    | {
        "person": _person_zh,
        "full_name": _full_name_zh,
        "pet": _pet_zh,
        "invented": _invented_zh,
        "town": _town_zh,
        "company": _company_zh,
        "school": _school_zh,
        "book": _book_zh,
        "seat": _seat_zh,
        "date": _date_zh,
        "time": _time_zh,
    },
    "en": _COMMON_MAKERS
    | COMPOSED["en"]
    | {
        "person": _person_en,
        "full_name": _full_name_en,
        "invented": _invented_en,
        "town": _town_en,
        "company": _company_en,
        "school": _school_en,
        "book": _book_en,
        "seat": _seat_en,
        "pet": _invented_en,
        "date": _date_en,
        "time": _time_en,
    },
}
