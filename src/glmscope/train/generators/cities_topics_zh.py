"""Chinese questions that could pass for an introduction and are about one topic of a city.

They come in the styles of `cities_whole_zh` (a reason, a text to be written, somebody else who
asks), so that only the topic itself tells them from those. Choices and macros as there.
"""

from __future__ import annotations

from glmscope.train.generators.cities_whole_zh import MACROS as SHARED
from glmscope.train.generators.wording_macros import expand

_NOUNS = {
    "place": "[地理位置|位置|方位|地理环境]",
    "climate": "[气候|天气|四季冷暖|气候特点|冷热情况]",
    "history": "[历史|来历|历史沿革|过去的事|从前的故事|历史渊源]",
    "sights": "[景点|名胜古迹|风景|好玩的地方|游览去处|必看的地方]",
    "food": "[美食|小吃|饮食|特色菜|好吃的|地方风味]",
}

_FRAMES = (
    "[别的|其他|其余][都不用讲|先不说|一概不问]，[只|就|光]{say}{city}的{noun}{end}",
    "[不用|不必|别]介绍整座城[市|]，[只|就]说{city}的{noun}{dot}",
    "[给|帮我给][宣传册|手抄报|黑板报|公众号|海报]写一段{city}{noun}的[介绍|文字]{dot}",
    "[小作文|作文|演讲|课堂展示]要[写|讲]{city}的{noun}，[来一段|帮我写写|给点材料]{dot}",
    "给[我妈|孩子|客人|外国朋友|同学们]{say}{city}的{noun}{end}",
    "[我妈|朋友|孩子|老师|客人]问[起|我]{city}的{noun}，[怎么说|我该怎么回答|你来讲讲]{dot}",
    "[要去|下周去|准备去]{city}[出差|开会|住几天]，[先问问|想先知道]那里的{noun}{dot}",
    "{city}{this}，{noun}[咋样|怎么样|如何|有啥说头]{is}",
    "[单说|专说|就说|光说|只谈]{noun}，{city}[怎么样|如何|有什么特点]{ask}",
    "{city}的{noun}，[说来听听|讲来听听|来一段|几句话就行]{dot}",
    "[百来字|几句话|一小段]，[写|讲|介绍]{city}的{noun}{dot}",
    "[我研究|我关心|我感兴趣|我要了解]的[只是|就是|是]{city}的{noun}{dot}",
)

_ASKS = {
    "place": (
        "[坐车|开车|坐飞机]去{city}是往[哪边|哪个方向|什么地方]走{ask}",
        "{city}[挨着|靠近|临近]什么[地方|山|河|海]{ask}",
        "[翻开|打开|看]地图，{city}[该往哪找|在哪一块|在什么位置]{ask}",
        "我[地理不好|不认路|分不清南北]，{city}在[哪儿|哪一带|什么地方]{ask}",
        "[刚到|人在]{city}，[我这算是在哪儿|这里是地图上的哪一块|这是在哪个方位]{ask}",
        "{city}[靠山|临海|沿江|在内陆]吗{is}",
        "[孩子|闺女]在地图上找不到{city}，[它在哪儿|该往哪找]{ask}",
    ),
    "climate": (
        "[去|到]{city}出差[带什么衣服|穿多少合适|要不要带羽绒服|用不用带伞]{ask}",
        "{city}[冬天|一月份|过年那阵][零下吗|冷得受不了吗|冻不冻人|穿羽绒服吗]{is}",
        "{city}[夏天|七八月|三伏天][闷不闷|晒不晒|热得睡不着吗|受得了吗]{is}",
        "怕[冷|热|潮|晒]的人[住|去|待在]{city}[行吗|受得了吗|合适吗]{is}",
        "[几月|啥时候|什么季节]去{city}[不冷不热|天气最好|最舒服]{ask}",
        "{city}[一年到头|四季|春夏秋冬]天气[咋样|怎么变化|怎么样]{ask}",
        "给我妈收拾行李，她要去{city}，那边[冷不冷|热不热|天气怎么样]{ask}",
    ),
    "history": (
        "{city}[有些年头了吧|多少岁了|算老城吗|算古城不]{is}",
        "[讲讲|说说]{city}是怎么[一步步|][发展|变][成今天这样|到今天]的{dot}",
        "{city}[古时候|早年间|几百年前|刚有人的时候][啥样|是什么模样|什么光景]{ask}",
        "[历史课|历史作业]要写{city}的过去，[写什么好|给点材料|帮我写几句]{dot}",
        "{city}[以前|历史上][当过都城吗|是谁的地盘|是干什么的]{is}",
        "{city}[最早|当初|起初]是[怎么来的|谁建的|什么时候有的]{ask}",
    ),
    "sights": (
        "去{city}[出差|开会|看朋友]，空下来[逛哪儿|去哪逛逛|看点什么]{ask}",
        "{city}[打卡|拍照|遛娃|看风景]去[哪|哪里|哪儿]{ask}",
        "[列个|做个|来个|写个]{city}的[景点清单|必看清单|打卡清单]{dot}",
        "{city}哪[些|几个]地方[不能错过|值得一看|最出片|必须去]{ask}",
        "到{city}只有[一天|半天|一个下午]，[看哪里|去哪个景点|玩什么]{ask}",
        "{city}的[地标|标志性建筑|代表景点|门面]是[什么|哪个|哪处]{ask}",
        "带[我妈|孩子|老人|客人]在{city}[转转|玩一天]，[去哪几处好|看什么好]{ask}",
    ),
    "food": (
        "[刚到|人在]{city}，[饿了吃啥|去吃点什么|晚饭吃什么好]{ask}",
        "{city}[街边|夜市|早点铺]有[啥|什么|哪些]好吃的{ask}",
        "[列个|做个|来个|写个]{city}的[美食清单|必吃清单|小吃名单]{dot}",
        "去{city}[一定要吃|必须尝尝|不能错过|最该吃]的[东西|菜|小吃]是[什么|啥]{ask}",
        "从{city}[给我妈|给同事|给家里]带点[啥吃的|什么特产]{ask}",
        "[吃货|馋猫|嘴馋的人]到了{city}[吃什么|该吃啥|先吃哪样]{ask}",
        "{city}人[过年|请客|早上|待客]吃[什么|啥]{ask}",
    ),
}

_AFTER_FRAMES = (
    "[那|那边|那儿|那里]的{noun}[咋样|怎么样|如何|有啥说头]{is}",
    "[刚才|前面]说到{noun}[了|]，[再细说说|展开讲讲|多讲两句]{dot}",
    "{noun}[这块|这方面|这一项][再|多]{say}{end}",
    "[别的|其他]先[放一放|不管]，[只|就]说{noun}{dot}",
    "我[妈|朋友|女儿]想[知道|问]那里的{noun}{dot}",
    "[哦|噢|好嘞|行|懂了]，[那|再问下]{noun}[呢|怎么样|咋样]{is}",
)

_AFTER_ASKS = {
    "place": (
        "[等等|对了]，[这地方|那地方|它][到底|究竟]在哪[儿|里|一带|]{ask}",
        "[我找不着它，它在哪|地图上哪儿能找到它|往哪边走能到]{ask}",
    ),
    "climate": (
        "[冬天|夏天|春天|秋天]去[那儿|那里|那边][冷吗|热吗|天气好吗|要带什么衣服]{is}",
        "[衣服|行李]该[怎么带|带厚的还是薄的]，那边[冷不冷|热不热]{ask}",
        "[怕冷|怕热|怕潮]的人去[受得了吗|合适吗]{is}",
    ),
    "history": (
        "[这座城|它|那地方][有些年头了吧|多少岁了|算老城吗|是怎么来的]{is}",
        "[以前|古时候|老早以前][那儿|那里|它][啥样|什么光景|是干什么的]{ask}",
    ),
    "sights": (
        "[去了|到了][逛哪儿|看点什么|上哪儿拍照|先去哪一处]{ask}",
        "[那儿|那边|那里][哪些地方不能错过|哪儿最好玩|有没有老街古迹]{ask}",
    ),
    "food": (
        "[去了|到了那儿|在那边][吃点啥|先吃哪样|必吃什么|晚饭吃什么]{ask}",
        "[那儿|那边|那里]的人[爱吃啥|早上吃什么|口味咋样]{ask}",
        "[能|该]从[那儿|那里|那边]带点[啥特产|什么吃的]回来{ask}",
    ),
}


def _expand(frames: tuple[str, ...], asks: tuple[str, ...], noun: str) -> tuple[str, ...]:
    return expand((*frames, *asks), {"noun": noun, **SHARED})


NAMED = {topic: _expand(_FRAMES, _ASKS[topic], noun) for topic, noun in _NOUNS.items()}
"""Topic → questions that name the city."""

MEANT = {topic: _expand(_AFTER_FRAMES, _AFTER_ASKS[topic], noun) for topic, noun in _NOUNS.items()}
"""Topic → follow-ups that do not."""
