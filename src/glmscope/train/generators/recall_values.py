"""Values for what is told and asked back that are put together, so that each is met once.

Times as they are spoken, rooms, shops, dishes, streets, sums of money, errands: a model that is to
answer has to copy them. The parts stand in `recall_scenes_zh.toml` and `recall_scenes_en.toml`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from glmscope.train.generators.interpreter_numbers import in_words

_Pools = Mapping[str, tuple[str, ...]]
_Maker = Callable[[random.Random, _Pools], str]

_LETTERS = "ABCDEFGHK"
_PARTS_ZH = {"早上": (6, 9), "上午": (8, 11), "中午": (12, 12), "下午": (1, 6), "晚上": (6, 11)}
_MINUTES_EN = ("five", "ten", "twenty", "twenty-five")
_NUMERALS = "零一二三四五六七八九"


def _clock_zh(rng: random.Random, pools: _Pools) -> str:
    """9:25, 14:05, 九点二十五, 下午三点半, 晚上8点40."""
    minute = rng.randrange(60) if rng.random() < 0.5 else rng.randrange(0, 60, 5)
    if rng.random() < 0.4:
        return f"{rng.randint(6, 22)}:{minute:02d}"
    part = rng.choice(tuple(_PARTS_ZH))
    hour = rng.randint(*_PARTS_ZH[part])
    part = rng.choice((part, part, ""))
    if rng.random() < 0.35:
        return f"{part}{hour}点{f'{minute}' if minute > 9 else '半'}"
    spoken = "两" if hour == 2 else in_words(str(hour), "zh")
    rest = f"零{_NUMERALS[minute]}" if minute < 10 else in_words(str(minute), "zh")
    return f"{part}{spoken}点{rng.choice((rest, rest, '半', '一刻', ''))}"


def _room_zh(rng: random.Random, pools: _Pools) -> str:
    floor = rng.randint(1, 28)
    door = f"{floor}{rng.randint(1, 30):02d}"
    forms = (
        f"{rng.choice(_LETTERS)}{door}",
        f"{rng.randint(1, 30)}号楼{door}",
        f"{rng.choice(_LETTERS)}座{door}",
        f"{door}室",
        f"{in_words(str(floor), 'zh')}楼{rng.choice(('东头', '西头', '拐角', '最里面', '电梯口'))}",
    )
    return rng.choice(forms)


def _shop_zh(rng: random.Random, pools: _Pools) -> str:
    """A made-up name of two to four characters: 渡石小馆, 阿榆茶铺."""
    given = pools["given"]
    name = "".join(rng.choice(given) for _ in range(rng.choice((1, 2, 2, 3))))
    return rng.choice(("", "", "", "老", "小")) + name + rng.choice(pools["shop_kind"])


def _dish_zh(rng: random.Random, pools: _Pools) -> str:
    first, second = rng.choice(pools["dish_side"]), rng.choice(pools["dish_main"])
    return rng.choice(
        (
            first + rng.choice("炒炒烧焖蒸拌炖煮煎烩") + second,
            rng.choice(pools["dish_way"]) + second,
            rng.choice(pools["dish_odd"]),
        )
    )


def _street_zh(rng: random.Random, pools: _Pools) -> str:
    name = "".join(rng.choice(pools["given"]) for _ in range(2))
    street = name + rng.choice(("路", "街", "巷", "里", "大道", "胡同", "弄"))
    return street + (f"{rng.randint(1, 999)}号" if rng.random() < 0.6 else "")


def _money_zh(rng: random.Random, pools: _Pools) -> str:
    whole = rng.choice((rng.randint(2, 99), rng.randint(100, 9999), rng.randint(2, 300) * 10))
    forms = (
        f"{whole}元",
        f"{whole}块",
        f"{whole}块{rng.randint(1, 9)}",
        f"{whole}.{rng.randint(1, 9)}元",
    )
    return rng.choice((*forms, in_words(str(whole), "zh") + "块"))


def _count_zh(rng: random.Random, pools: _Pools) -> str:
    number = str(rng.choice((rng.randint(2, 20), rng.randint(2, 400))))
    return number if rng.random() < 0.7 or number == "2" else in_words(number, "zh")


def _errand_zh(rng: random.Random, pools: _Pools) -> str:
    """Something to do that was not listed before: 去小晏书铺取台灯."""
    thing = rng.choice((*pools["object"], *pools["device"], *pools["tool"]))
    forms = (
        f"去{_shop_zh(rng, pools)}取{thing}",
        f"给{rng.choice(pools['kin'])}寄{thing}",
        f"把{thing}{rng.choice(('修好', '还回去', '擦干净', '卖掉', '送人', '装起来'))}",
        f"去{_shop_zh(rng, pools)}买{rng.choice(pools['item'])}",
        f"做{_dish_zh(rng, pools)}",
        rng.choice((*pools["plan"], *pools["chore"])),
        f"{rng.choice(('约', '见', '拜访', '送'))}{rng.choice(pools['kin'])}",
    )
    return rng.choice(forms)


def _made_up_en(rng: random.Random, pools: _Pools) -> str:
    return "".join(rng.choice(pools["syllable"]) for _ in range(rng.choice((2, 2, 3)))).capitalize()


def _clock_en(rng: random.Random, pools: _Pools) -> str:
    """9:25, 14:05, 8:40 pm, twenty past nine, half past six, quarter to four."""
    hour, minute = rng.randint(1, 12), rng.randrange(60)
    if rng.random() < 0.35:
        return f"{rng.randint(6, 22)}:{minute:02d}"
    if rng.random() < 0.5:
        return f"{hour}:{minute:02d} {rng.choice(('am', 'pm'))}"
    spoken = in_words(str(hour), "en")
    side = rng.choice(("past", "to"))
    minutes = rng.choice((*_MINUTES_EN, "quarter"))
    return rng.choice((f"{minutes} {side} {spoken}", f"half past {spoken}", f"{spoken} o'clock"))


def _room_en(rng: random.Random, pools: _Pools) -> str:
    door = f"{rng.randint(1, 28)}{rng.randint(1, 30):02d}"
    forms = (f"{rng.choice(_LETTERS)}{door}", f"room {door}", f"hall {rng.randint(2, 40)}")
    return rng.choice(
        (*forms, f"desk {rng.randint(2, 90)}", f"gate {rng.choice(_LETTERS)}{rng.randint(2, 60)}")
    )


def _shop_en(rng: random.Random, pools: _Pools) -> str:
    """Made up: Tovalo's, The Copper Kettle, Café Mirano."""
    name = _made_up_en(rng, pools)
    pub = f"The {rng.choice(pools['shop_adjective'])} {rng.choice(pools['shop_noun'])}"
    return rng.choice(
        (f"{name}'s", pub, pub, f"Café {name}", f"{name} {rng.choice(pools['shop_noun'])}")
    )


def _dish_en(rng: random.Random, pools: _Pools) -> str:
    main, side = rng.choice(pools["dish_main"]), rng.choice(pools["dish_side"])
    return rng.choice(
        (
            f"{main} with {side}",
            f"{rng.choice(pools['dish_way'])} {main}",
            f"{side} {rng.choice(pools['dish_kind'])}",
        )
    )


def _street_en(rng: random.Random, pools: _Pools) -> str:
    name = rng.choice((_made_up_en(rng, pools), rng.choice(pools["last_name"])))
    street = f"{name} {rng.choice(('Street', 'Lane', 'Road', 'Avenue', 'Square', 'Close'))}"
    return f"{rng.randint(1, 250)} {street}" if rng.random() < 0.6 else street


def _money_en(rng: random.Random, pools: _Pools) -> str:
    whole = rng.choice((rng.randint(2, 99), rng.randint(100, 9999), rng.randint(2, 300) * 10))
    forms = (f"{whole} dollars", f"${whole}", f"{whole} euros", f"${whole}.{rng.randint(10, 99)}")
    return rng.choice((*forms, f"{in_words(str(whole), 'en')} dollars"))


def _count_en(rng: random.Random, pools: _Pools) -> str:
    number = str(rng.choice((rng.randint(2, 20), rng.randint(2, 400))))
    return number if rng.random() < 0.65 else in_words(number, "en")


def _errand_en(rng: random.Random, pools: _Pools) -> str:
    """Something to do that was not listed before: collect the drone from Tovalo's."""
    thing = rng.choice((*pools["device"], *pools["tool"]))
    forms = (
        f"collect the {thing} from {_shop_en(rng, pools)}",
        f"{rng.choice(('repair', 'sell', 'return', 'clean', 'wrap', 'test'))} the {thing}",
        f"buy {rng.choice(pools['item'])} at {_shop_en(rng, pools)}",
        f"cook {_dish_en(rng, pools)}",
        f"send the {thing} to {rng.choice(pools['first_name'])}",
        f"{rng.choice(('call', 'visit', 'meet', 'write to'))} {rng.choice(pools['first_name'])}",
        rng.choice((*pools["plan"], *pools["chore"])),
    )
    return rng.choice(forms)


COMPOSED: dict[str, dict[str, _Maker]] = {
    "zh": {
        "clock": _clock_zh,
        "room": _room_zh,
        "shop": _shop_zh,
        "dish": _dish_zh,
        "street": _street_zh,
        "money": _money_zh,
        "count": _count_zh,
        "errand": _errand_zh,
    },
    "en": {
        "clock": _clock_en,
        "room": _room_en,
        "shop": _shop_en,
        "dish": _dish_en,
        "street": _street_en,
        "money": _money_en,
        "count": _count_en,
        "errand": _errand_en,
    },
}
"""By language and the name of a slot."""
