"""Places that the tables do not describe: real smaller ones, and invented names."""

from __future__ import annotations

import random
from collections.abc import Collection

from glmscope.train.generators.cities_facts import Language

_REAL_ZH = (
    "保定 邯郸 沧州 廊坊 衡水 邢台 阳泉 长治 临汾 运城 赤峰 通辽 包头 鞍山 抚顺 锦州 营口 盘锦 "
    "四平 通化 白城 齐齐哈尔 大庆 佳木斯 鸡西 盐城 淮安 宿迁 湖州 衢州 丽水 蚌埠 阜阳 六安 宣城 "
    "莆田 漳州 三明 龙岩 九江 赣州 宜春 吉安 上饶 淄博 枣庄 潍坊 临沂 德州 菏泽 安阳 新乡 信阳 "
    "南阳 商丘 黄石 十堰 荆州 荆门 孝感 株洲 湘潭 衡阳 岳阳 常德 益阳 郴州 湛江 茂名 梅州 清远 "
    "柳州 梧州 玉林 百色 自贡 泸州 德阳 内江 南充 宜宾 安顺 六盘水 曲靖 玉溪 昭通 宝鸡 咸阳 渭南 "
    "汉中 榆林 天水 酒泉 张掖 武威 石嘴山 中卫 吐鲁番 哈密 克拉玛依"
)
_REAL_EN = (
    "Baoding Handan Tangshan Baotou Anshan Fushun Jilin Daqing Yancheng Huzhou Bengbu Putian "
    "Ganzhou Zibo Weifang Linyi Anyang Xinxiang Jingzhou Zhuzhou Hengyang Zhanjiang Liuzhou "
    "Zigong Luzhou Nanchong Qujing Baoji Tianshui Leeds Bremen Lille Turin Utrecht Malmo Gdansk "
    "Ostrava Debrecen Varna Izmir Aleppo Mashhad Surat Kanpur Medan Cebu Sendai Daegu Tucson "
    "Omaha Tulsa Halifax Recife Cordoba Arequipa Durban Kumasi Townsville Hamilton"
)
_FIRST_ZH = "青云石柳白清长东西南北新上下大小龙凤金银玉红绿桃梅竹松水月星明安和平古"
_SECOND_ZH = "河溪山林石桥塘坪湾沟田泉谷坡岭井庄渡台口家塔"
_KIND_ZH = ("镇", "镇", "村", "县", "乡", "市", "古镇", "小镇", "")
_FOREIGN_ZH = "卡洛维塔尼莫拉索巴达里科萨图梅伦罗克贝佩纳德"
_START_EN = "Bar Cal Dor El Fen Gal Hol Kel Lor Mar Nor Pel Quin Ros Sal Tor Val Wes Zan"
_END_EN = "ville bury stead ford mira dale port burg haven moor wick ona ridge ton"


def unknown_place(rng: random.Random, language: Language, known: Collection[str]) -> str:
    """A name that is none of `known`."""
    while True:
        name = _english(rng) if language == "en" else _chinese(rng)
        if name not in known:
            return name


def _chinese(rng: random.Random) -> str:
    sort = rng.random()
    if sort < 0.4:
        return rng.choice(_REAL_ZH.split()) + rng.choice(("", "", "市"))
    if sort < 0.75:
        return rng.choice(_FIRST_ZH) + rng.choice(_SECOND_ZH) + rng.choice(_KIND_ZH)
    return "".join(rng.sample(_FOREIGN_ZH, rng.randint(2, 4)))


def _english(rng: random.Random) -> str:
    if rng.random() < 0.5:
        return rng.choice(_REAL_EN.split())
    return rng.choice(_START_EN.split()) + rng.choice(_END_EN.split())
