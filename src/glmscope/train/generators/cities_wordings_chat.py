"""Questions about a city as they come up in talk, with a reason or a situation around them.

Templates as in `cities_wordings_zh`.
"""

from __future__ import annotations

_IS = "[？|？|?|]"
_GO = "[说说|讲讲|介绍一下|介绍介绍|介绍下|给我讲讲|跟我说说]"
_IT = "[它|那里|那儿|这个城市|这座城|]"
_TELL_EN = "[tell me about it|describe it|introduce it|what is it like|what should I know]"

INTRODUCTION_ZH = (
    f"[写作业|做PPT|做手抄报|备课|写游记|写攻略|准备演讲]要用，{_GO}{{city}}[吧|。|]",
    f"[明天|下周|下个月|暑假|五一|国庆|过年]要[去|到|飞]{{city}}[了|玩|出差]，[先|]{_GO}{_IT}[吧|。|]",
    f"[女朋友|同学|同事|老板|导师]是{{city}}人，{_GO}{_IT}[吧|。|]",
    f"[电视里|网上|朋友圈里|小说里|新闻里][看到|老提到|说到]{{city}}，{_GO}[吧|{_IT}吧|。|]",
    f"[孩子|女儿|奶奶|外国朋友|客户]问我{{city}}[是什么样的|怎么样|好不好]，[该怎么说|我怎么回答|你来讲讲]{_IS}",
    f"[无聊|闲着没事|随便聊聊|换个话题|今天]，{_GO}{{city}}[吧|。|]",
    f"[长这么大|我]还没去过{{city}}[呢|]，{_GO}{_IT}[吧|。|]",
    "[听说过|知道|了解|认识|熟悉]{city}[吗|不|么]？[说来听听|说一说|介绍介绍|讲几句]",
    f"[公司|学校|家里][要|打算]派我去{{city}}，{_GO}{_IT}[吧|。|]",
    f"{{city}}[究竟|到底][有什么特别|是个怎样的地方|是什么样子|好在哪|美在哪]{_IS}",
    f"[能|可以][像导游一样|像朋友一样|像老师一样|生动地|通俗地]{_GO}{{city}}吗{_IS}",
    "[帮我|给我|替我][做|写|准备|起草]{city}的[讲解词|导游词|欢迎词|宣传文字|城市介绍]",
    f"[如果|要是]只能[用|说]三段话，你[会|]怎么[介绍|讲|写]{{city}}{_IS}",
    "[下一个城市|下一站|换一个|再来一个][：|是|，]{city}[。|，介绍一下|，说说|]",
    f"[我在考虑|正在考虑|犹豫要不要]去{{city}}，[给我|][讲讲|说说]{_IT}[吧|情况|。|]",
    f"[一句都不了解|完全不懂|只听过名字]，{{city}}是[什么地方|怎样的城市|个啥样的城市]{_IS}",
    "{city}[，|：][一个|一座][怎样|什么样]的城市？",
    "[向|对]一个[外地人|外国人|小学生|游客][介绍|讲讲|说说]{city}[吧|。|，你会怎么说？|]",
)

INTRODUCTION_EN = (
    "I [need|want] [a few paragraphs|some lines|a short text] about {city} for [school|my blog|a"
    " talk|a poster|a trip][.|, please.|]",
    f"[we fly|I fly|we're driving|we move] to {{city}} [tomorrow|next week|in May]. {_TELL_EN}?",
    f"my [boss|friend|girlfriend|teacher] [comes from|lives in|is from] {{city}}, {_TELL_EN}?",
    f"[I saw|I read about|people keep talking about|everyone mentions] {{city}}. {_TELL_EN}?",
    "[someone asked me|a guest asked|my kids asked] about {city}, [what do I say|what should I"
    " tell them|help me answer]?",
    "[just chatting|bored|let's change the topic|next topic]: {city}[.|!|, go on.]",
    "[never been there|no idea about it|I only know the name]: {city}. [Go on|Tell me|Describe"
    " it][.|]",
    "[act like|be|speak like] [a guide|a local|a teacher] and [describe|introduce|present]"
    " {city}[.|]",
    "[next city|another one|and now|next stop]: {city}[.|!|]",
    "[explain|describe|present] {city} to [a child|a tourist|a stranger|someone new][.|, please.|]",
    "I'm thinking [about visiting|of going to|of moving to] {city}, [what's it like|what can you"
    " tell me|any information]?",
    "what makes {city} [special|interesting|different|worth knowing]?",
    "{city} [in three paragraphs|in a nutshell|for beginners|for visitors][.|, please.|]",
    "[could I get|may I have|I'd love] [a description|an introduction|a portrait|a little guide]"
    " [of|to] {city}[?|, please.|]",
)
