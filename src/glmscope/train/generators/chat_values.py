"""Values that a user may tell: names, places, things, numbers, codes.

Names are put together from parts, so that the model has to copy them and cannot know them by heart.
"""

from __future__ import annotations

import random
from collections.abc import Callable

Draw = Callable[[random.Random], str]

_SURNAMES = (
    "李王张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴"
    "夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
_GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华建国志红玉文斌宇浩轩然子涵梓欣怡诗雨晨佳琪雪婷思远梦瑶俊豪"
    "天泽嘉睿博安宁晓东小海峰云飞鹏飞春生春燕秋月冬梅若兰一鸣亦菲清扬可心语桐星辰乐家民永新立成大山正义向阳丹"
    "琳璐莹洁慧珊倩蕾颖露瑞凯旭辉亮健康林森鑫淼江河湖波良友贤德福贵祥和顺利长久"
)
_SURNAMES_TWO = ("欧阳", "司马", "上官", "诸葛", "司徒", "慕容", "夏侯", "南宫")
_ENGLISH_FIRST = tuple(
    "Emma Olivia Ava Sophia Mia Amelia Ella Grace Chloe Lily Zoe Hannah Nora Lucy Ruby Alice Anna"
    " Sarah Laura Julia Maria Elena Rosa Clara Eva Ivy Jane Kate Lisa Mary Nina Paula Rita Tina Vera"
    " Wendy Amy Betty Carol Diana Ellen Fiona Gina Helen Irene Jenny Karen Linda Megan Nancy Rachel"
    " Sandra Tracy Ursula Yvonne Zelda James John Robert Michael William David Richard Thomas Charles"
    " Daniel Matthew Mark Paul Steven Andrew Kevin Brian George Edward Jason Jeffrey Ryan Jacob Gary"
    " Nicholas Eric Jonathan Stephen Larry Justin Scott Frank Brandon Ben Samuel Gregory Alexander"
    " Patrick Jack Dennis Jerry Tyler Aaron Jose Adam Nathan Henry Peter Zachary Kyle Noah Ethan"
    " Jeremy Walter Keith Austin Roger Terry Sean Carl Dylan Harold Jordan Jesse Bryan Lawrence"
    " Arthur Bruce Gabriel Joe Logan Alan Juan Albert Willie Elijah Wayne Randy Vincent Mason Roy"
    " Ralph Bobby Russell Philip Louis Hugo Oscar Leo Max Felix Simon Victor".split()
)
_ENGLISH_LAST = tuple(
    "Smith Johnson Brown Jones Garcia Miller Davis Wilson Anderson Taylor Moore Jackson Martin Lee"
    " White Harris Clark Lewis Young Walker Hall Allen King Wright Hill Green Baker Adams Nelson Carter"
    " Mitchell Roberts Turner Phillips Campbell Parker Evans Edwards Collins Stewart Morris Rogers Reed"
    " Cook Morgan Bell Murphy Bailey Cooper Ward Peterson Gray Watson Brooks Kelly Wood Price Bennett"
    " Ross Foster Long Hughes Butler Fisher Graham Cole West Stone Hunt Black Palmer".split()
)
_CHINESE_CITIES = tuple(
    "北京 上海 广州 深圳 杭州 南京 苏州 成都 重庆 武汉 西安 长沙 郑州 济南 青岛 大连 沈阳 长春 哈尔滨 天津 石家庄 太原"
    " 合肥 南昌 福州 厦门 昆明 贵阳 南宁 海口 三亚 兰州 银川 西宁 拉萨 呼和浩特 乌鲁木齐 宁波 温州 无锡 常州 徐州 扬州"
    " 泉州 珠海 东莞 佛山 桂林 洛阳 开封 烟台 威海 绍兴 嘉兴 金华 大理 丽江 香港 澳门 台北 东京 大阪 首尔 曼谷 新加坡"
    " 巴黎 伦敦 纽约 柏林 罗马 悉尼 莫斯科 多伦多 洛杉矶".split()
)
_ENGLISH_CITIES = tuple(
    "London Paris Berlin Rome Madrid Vienna Prague Tokyo Osaka Seoul Beijing Shanghai Hangzhou Chengdu"
    " Guangzhou Shenzhen Nanjing Wuhan Singapore Bangkok Sydney Melbourne Toronto Vancouver Chicago"
    " Boston Seattle Denver Miami Dallas Houston Atlanta Dublin Lisbon Oslo Helsinki Warsaw Budapest"
    " Athens Cairo Nairobi Delhi Mumbai Moscow Lima Bogota Zurich Geneva Munich Hamburg Milan Naples"
    " Venice Lyon Manchester Liverpool Oxford Cambridge Edinburgh Amsterdam Brussels Stockholm".split()
)
_SYLLABLES = tuple(
    "ba be bo ca co da di do fa fi ga go ja jo ka ki ko la li lo lu ma mi mo na ni no nu pa pi po ra ri"
    " ro sa si so ta ti to va vi wa ya yo za zi".split()
)
FOODS = tuple(
    "火锅 饺子 面条 烤鸭 米饭 寿司 包子 豆腐 牛肉面 烧烤 披萨 炸鸡 粽子 汤圆 馄饨 煎饼 红烧肉 酸菜鱼 小龙虾 麻婆豆腐"
    " 螺蛳粉 米线 凉皮 蛋糕 冰淇淋 巧克力 糖醋排骨 番茄炒蛋 羊肉串 月饼 春卷 年糕 宫保鸡丁 鱼香肉丝 烤鱼 热干面".split()
)
FRUITS = tuple(
    "苹果 香蕉 橙子 葡萄 西瓜 草莓 梨 桃子 樱桃 芒果 菠萝 柚子 荔枝 柿子 猕猴桃 火龙果 李子 杏 石榴 橘子 哈密瓜 蓝莓".split()
)
THINGS = tuple(
    "牛奶 面包 鸡蛋 白菜 土豆 茶叶 铅笔 本子 雨伞 毛巾 牙刷 台灯 杯子 椅子 书包 手套 帽子 围巾 电池 剪刀 胶水 盘子"
    " 拖鞋 肥皂 窗帘 地图 相机 耳机 闹钟 口罩 糖果 饼干 酸奶 辣椒 黄瓜 洋葱 玉米 豆浆 大蒜 蜡烛".split()
)
COLORS = tuple(
    "红色 蓝色 绿色 黄色 紫色 白色 黑色 粉色 橙色 灰色 棕色 金色 银色 青色 米色 天蓝色 深绿色 浅紫色".split()
)
SPORTS = tuple(
    "游泳 跑步 篮球 足球 羽毛球 乒乓球 网球 爬山 骑车 瑜伽 滑雪 太极拳 跳绳 排球 滑冰 钓鱼 画画 唱歌 跳舞 弹钢琴 摄影"
    " 书法 下棋 看电影 读小说 种花 做饭 旅行 拉小提琴 打鼓 写作 剪纸 射箭 潜水".split()
)
JOBS = tuple(
    "老师 医生 护士 厨师 司机 律师 会计 程序员 设计师 工程师 记者 警察 演员 画家 农民 作家 翻译 歌手 摄影师 建筑师"
    " 飞行员 消防员 售货员 快递员 理发师 科学家 编辑 导游 运动员 音乐老师 牙医 电工 木匠 学生".split()
)
ANIMALS = tuple("猫 狗 兔子 仓鼠 乌龟 鹦鹉 金鱼 小鸡 鸭子 马 羊 松鼠".split())
FOODS_EN = tuple(
    "pizza noodles rice sushi soup bread cheese salad pasta curry tacos dumplings chocolate pancakes"
    " cake fish chicken steak beans potatoes tofu ramen toast cookies ice_cream apple_pie fried_rice"
    " burgers sandwiches lasagna honey popcorn waffles".replace("_", "~").split()
)
FRUITS_EN = tuple(
    "apples bananas oranges grapes cherries pears peaches plums lemons mangoes melons figs limes"
    " strawberries blueberries kiwis papayas dates".split()
)
THINGS_EN = tuple(
    "milk bread eggs butter tea coffee pencils paper soap towels candles batteries socks gloves cups"
    " plates salt sugar flour onions carrots tomatoes cheese rice honey tape string nails".split()
)
COLORS_EN = tuple(
    "red blue green yellow purple white black pink orange gray brown gold silver turquoise".split()
)
SPORTS_EN = tuple(
    "swimming running basketball football tennis hiking cycling yoga skiing chess painting singing"
    " dancing reading cooking fishing gardening photography knitting rowing boxing skating surfing"
    " volleyball drawing writing".split()
)
JOBS_EN = tuple(
    "teacher doctor nurse cook driver lawyer plumber programmer designer journalist painter farmer"
    " writer singer photographer pilot baker librarian dentist carpenter translator waiter barber"
    " gardener scientist student musician tailor mechanic police~officer".split()
)
ANIMALS_EN = tuple("cat dog rabbit hamster turtle parrot goldfish horse goat duck".split())
WEEKDAYS = tuple(
    "周一 周二 周三 周四 周五 周六 周日 星期一 星期二 星期三 星期四 星期五 星期六 星期天".split()
)
WEEKDAYS_EN = tuple("Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split())


def one_of(pool: tuple[str, ...]) -> Draw:
    """Draws from a pool, in which `~` stands for a space inside a value."""
    return lambda rng: rng.choice(pool).replace("~", " ")


def chinese_name(rng: random.Random) -> str:
    """A full name of two or three characters, seldom four."""
    surname = rng.choice(_SURNAMES_TWO) if rng.random() < 0.04 else rng.choice(_SURNAMES)
    return surname + "".join(rng.choice(_GIVEN) for _ in range(1 if rng.random() < 0.3 else 2))


def chinese_nickname(rng: random.Random) -> str:
    """A name as friends and children are called: 小明, 阿强, 王阿姨."""
    form = rng.randrange(4)
    if form == 0:
        return f"小{rng.choice(_GIVEN)}"
    if form == 1:
        return f"阿{rng.choice(_GIVEN)}"
    if form == 2:
        return rng.choice(_SURNAMES) + rng.choice(
            ("老师", "阿姨", "叔叔", "医生", "经理", "先生", "女士")
        )
    return rng.choice(_GIVEN) * 2


def any_chinese_name(rng: random.Random) -> str:
    """A full name or a nickname."""
    return chinese_name(rng) if rng.random() < 0.65 else chinese_nickname(rng)


def english_name(rng: random.Random) -> str:
    """A first name, sometimes one that nobody has."""
    return rng.choice(_ENGLISH_FIRST) if rng.random() < 0.7 else invented_name(rng)


def english_full_name(rng: random.Random) -> str:
    """A first and a last name."""
    return f"{rng.choice(_ENGLISH_FIRST)} {rng.choice(_ENGLISH_LAST)}"


def any_english_name(rng: random.Random) -> str:
    """A first name or a full name."""
    return english_name(rng) if rng.random() < 0.75 else english_full_name(rng)


def invented_name(rng: random.Random) -> str:
    """Two or three syllables, as pets and products are called."""
    return "".join(rng.choice(_SYLLABLES) for _ in range(rng.choice((2, 2, 3)))).capitalize()


def pet_name(rng: random.Random) -> str:
    """What a Chinese user may call a pet."""
    form = rng.randrange(4)
    if form == 0:
        return rng.choice(_GIVEN) * 2
    if form == 1:
        return rng.choice("小大阿老") + rng.choice("白黑黄花灰虎宝豆米球福财乐毛妞")
    if form == 2:
        return rng.choice((*FRUITS, *FOODS))
    return invented_name(rng)


def chinese_city(rng: random.Random) -> str:
    """A city as Chinese users write it."""
    return rng.choice(_CHINESE_CITIES)


def english_city(rng: random.Random) -> str:
    """A city as English users write it."""
    return rng.choice(_ENGLISH_CITIES)


def whole_number(low: int, high: int) -> Draw:
    """Draws a number in digits, both ends included."""
    return lambda rng: str(rng.randint(low, high))


def number(rng: random.Random) -> str:
    """A number of one to five digits, every length alike."""
    digits = rng.randint(1, 5)
    return str(rng.randint(10 ** (digits - 1), 10**digits - 1))


def code(rng: random.Random) -> str:
    """Letters and digits, as on a seat, a flight or a parcel."""
    letters = "".join(rng.choice("ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(rng.randint(1, 2)))
    return letters + "".join(rng.choice("0123456789") for _ in range(rng.randint(2, 4)))


def date_zh(rng: random.Random) -> str:
    """A day of the year: 3月8日."""
    return f"{rng.randint(1, 12)}月{rng.randint(1, 28)}日"


def date_en(rng: random.Random) -> str:
    """A day of the year: March 8."""
    months = "January February March April May June July August September October November December"
    return f"{rng.choice(months.split())} {rng.randint(1, 28)}"


def time_zh(rng: random.Random) -> str:
    """A time of day: 下午3点半."""
    half = rng.choice(("", "", "半", "一刻"))
    return f"{rng.choice(('上午', '下午', '早上', '晚上', ''))}{rng.randint(1, 12)}点{half}"


def time_en(rng: random.Random) -> str:
    """A time of day: 3:30 pm."""
    return f"{rng.randint(1, 12)}:{rng.choice(('00', '15', '30', '45'))} {rng.choice(('am', 'pm'))}"
