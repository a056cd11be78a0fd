"""Texts that repeat themselves and are wanted, and texts that do nothing else any more."""

from __future__ import annotations

_LAMB = "Mary had a little lamb, little lamb, little lamb,\nMary had a little lamb,\n"

HARMLESS: dict[str, str] = {
    # Tables
    "multiplication": "\n".join(
        " ".join(f"{a}×{b}={a * b}" for b in range(1, a + 1)) for a in range(1, 10)
    ),
    "乘法口诀": "\n".join(
        f"{a} 乘以 {b} 等于 {a * b}。" for a in range(1, 10) for b in range(1, 10)
    ),
    "CSV of equal rows": "name,city,count\n" + "Alice,Hangzhou,0\n" * 30,
    "CSV of equal Chinese rows": "姓名,城市,数量,备注\n" + "张三,杭州,0,没有\n" * 30,
    "CSV of equal numbers": "a,b,c,d,e,f\n" + "0.00,0.00,0.00,1.50,0.00,0.00\n" * 30,
    "CSV of words": "red,green,blue\n" + "yes,no,yes\n" * 30,
    "Markdown table": "| 序号 | 名称 | 数量 |\n| --- | --- | --- |\n"
    + "".join(f"| {n} | 苹果 | 0 |\n" for n in range(1, 120)),
    "Markdown table of equal rows": "| 日期 | 状态 |\n| --- | --- |\n" + "| 今天 | 正常 |\n" * 30,
    "wide separators": "|" + " --- |" * 24 + "\n|" + " :---: |" * 24,
    "empty table": "|  |  |  |  |\n" * 30,
    "timetable": "".join(
        f"{hour:02d}:{minute:02d} 上海 → 杭州\n"
        for hour in range(6, 22)
        for minute in (0, 15, 30, 45)
    ),
    "truth table": "".join(
        f"| {a} | {b} | {c} | {a & b & c} |\n" for a in (0, 1) for b in (0, 1) for c in (0, 1)
    ),
    # Figures
    "JSON zeros": "[" + ", ".join("0" for _ in range(128)) + "]",
    "matrix of zeros": "[" + ",\n".join("[" + ", ".join("0" * 10) + "]" for _ in range(10)) + "]",
    "identity matrix": "\n".join(
        " ".join("1" if row == column else "0" for column in range(12)) for row in range(12)
    ),
    "counting": " ".join(str(n) for n in range(1, 500)),
    "数数": "，".join(f"第{n}只羊" for n in range(1, 160)),
    "even numbers": ", ".join(str(n) for n in range(0, 900, 2)),
    "one third": "1/3 = 0." + "3" * 200,
    "one seventh": "1/7 = 0." + "142857" * 30,
    "bits": "01010101 " * 32,
    "hex dump": "".join(f"{n * 16:08x}: {'00 ' * 16}\n" for n in range(12)),
    # Rulers and drawings
    "rule of dashes": "标题\n" + "-" * 120 + "\n正文",
    "rule of equals": "=" * 120,
    "rule of stars": "* " * 60,
    "Chinese dashes": "—" * 120,
    "ellipses": "等等" + "…" * 120,
    "dots": "Chapter 1 " + "." * 120 + " 7",
    "underscores": "姓名：" + "_" * 80 + "\n电话：" + "_" * 80,
    "blank lines": "first\n" + "\n" * 60 + "last",
    "box": "+" + "-" * 40 + "+\n" + ("|" + " " * 40 + "|\n") * 12 + "+" + "-" * 40 + "+",
    "checker board": ("# . # . # . # .\n. # . # . # . #\n") * 8,
    "chess board": "r n b q k b n r\np p p p p p p p\n"
    + ". . . . . . . .\n" * 4
    + "P P P P P P P P\nR N B Q K B N R",
    "pyramid": "\n".join(" " * (20 - n) + "*" * (2 * n + 1) for n in range(20)),
    "pyramid of letters": "\n".join(" " * (12 - n) + "A" * (2 * n + 1) for n in range(12)),
    "bar chart": "\n".join(f"{month}月 " + "█" * (month * 3) for month in range(1, 13)),
    "emoji row": "🍎" * 40,
    # Code
    "equal lines of code": "```python\n" + 'print("hello world")\n' * 30 + "```",
    "equal lines of code, unfenced": 'console.log("hello world");\n' * 30,
    "pass": "".join(f"def handler_{n}():\n    pass\n\n" for n in range(40)),
    "equal statements": "    counter += 1\n" * 30,
    "assignments": "\n".join(f"    value_{n} = table[{n}]" for n in range(80)),
    "SQL": "INSERT INTO visits (page, count) VALUES ('home', 0);\n" * 30,
    "HTML cells": "<tr>"
    + "<td></td>" * 12
    + "</tr>\n"
    + ("<tr>" + "<td>0</td>" * 12 + "</tr>\n") * 4,
    "line breaks": "<br>" * 60,
    "JSON objects": "["
    + ",\n".join('{"id": 0, "name": "空", "tags": []}' for _ in range(30))
    + "]",
    "YAML": "- name: worker\n  image: glm\n  replicas: 1\n" * 20,
    "brackets": "[" * 100 + "]" * 100,
    "assembly": "    nop\n" * 64,
    "log lines": "".join(f"12:00:{n:02d} INFO request done\n" for n in range(60)),
    "Java getters": "".join(
        f"    public int get{name}() {{\n        return {name.lower()};\n    }}\n\n"
        for name in ("Age", "Size", "Width", "Height", "Depth", "Count", "Limit", "Offset")
    ),
    # Lists
    "numbered list": "\n".join(f"{n}." for n in range(1, 400)),
    "sentence with a counter": "".join(f"这是第 {n} 个例子，请记住它。\n" for n in range(1, 120)),
    "English sentence with a counter": "".join(
        f"{n} bottles of beer on the wall, {n} bottles of beer.\n" for n in range(99, 30, -1)
    ),
    "check list": "- [ ] 任务\n" * 30,
    "sentence with another emoji": "".join(f"{chr(0x1F330 + n)}也很好看。\n" for n in range(110)),
    "arrows": "".join(f"走 {'↑↓←→'[n.bit_count() % 4]} 一步。" for n in range(120)),
    "list of equal words": "- 待定\n" * 30,
    "chinese numerals": "".join(
        f"第{a}十{b}条 本条没有规定。\n" for a in "一二三四五六七八九" for b in "一二三四五六七八九"
    ),
    "dialogue": "甲：是。\n乙：不是。\n" * 12,
    # Verse
    "诗经": "".join(
        f"采采芣苢，薄言{first}之。采采芣苢，薄言{second}之。\n"
        for first, second in (("采", "有"), ("掇", "捋"), ("袺", "襭"))
    )
    * 2,
    "refrain": "".join(f"第{n}天，我爱你，我爱你，我爱你。\n" for n in range(60)),
    "chorus": ("我和你，心连心，\n同住地球村，\n为梦想，千里行，\n相会在北京。\n") * 4,
    "coda": "Na na na nananana, nananana, hey dear\n" * 18,
    "lamb": _LAMB * 3 + "Its fleece was white as snow.\n" + _LAMB * 3,
    "laughter": "哈" * 60 + "，太好笑了！",
    "la la la": "啦" * 60 + "\n" + "啦" * 60,
    "row your boat": (
        "Row, row, row your boat,\nGently down the stream.\n"
        "Merrily, merrily, merrily, merrily,\nLife is but a dream.\n"
    )
    * 4,
    "mantra": "南无阿弥陀佛\n" * 30,
    "lines to write": "I will not talk in class.\n" * 18,
    "罚抄": "我知道了。\n" * 25,
}

_PARAGRAPH = (
    "杭州是浙江省的省会，位于中国东南沿海，以西湖的风景闻名于世。西湖十景各有特色，春天看苏堤的桃花，"
    "夏天赏曲院的荷花，秋天望平湖的月亮，冬天踏断桥的残雪。除此之外，灵隐寺和龙井茶园也值得一去，"
    "每年都有许多游客从各地来到这里。\n"
)
_ENGLISH_PARAGRAPH = (
    "The model runs on your own computer, so nothing that you write is sent anywhere else. It "
    "reads a question, thinks about it for a moment, and answers in a few sentences. If an "
    "answer is not what you wanted, ask again with other words, or give it an example.\n\n"
)
_INTRODUCTION = (
    "关于这个问题，有几种不同的看法。有人认为应当先做调查，再得出结论；也有人主张边做边看。"
    "下面分别说明它们的理由，并举例比较。\n"
)


def _jitter(sentence: str, ends: tuple[str, ...], rounds: int) -> str:
    """The sentence again and again, never ended in the same way as before."""
    return "".join(sentence + ends[(n * n + n // 3) % len(ends)] for n in range(rounds))


_ENDS = ("。", "！", "。\n", " ", "，", "。 ", "！\n\n", "…", "；")
_ENGLISH_ENDS = (". ", "! ", ".\n", ", ", ".  ", "; ", ".\n\n", " - ", "... ")

PROSE: dict[str, str] = {
    "one sentence": "我是一个人工智能助手。" * 300,
    "one sentence, after others": _INTRODUCTION + "我是一个人工智能助手，很高兴见到你。" * 300,
    "one English sentence": "I am an assistant, and I am happy to help you. " * 300,
    "a sentence a line": "这个问题需要进一步研究。\n" * 300,
    "two sentences": "请问还有什么可以帮您？我会尽力回答您的问题。" * 200,
    "one word": "好的" * 1000,
    "one English word": "very " * 1000,
    "one character": "啊" * 1000,
    "one letter": "a" * 4000,
    "no punctuation": "我爱你" * 600,
    "white space": _jitter("今天天气很好我们去公园散步吧", ("", " ", "  ", "\u3000", "   "), 300),
    "punctuation": _jitter("如果还有问题，请随时告诉我", _ENDS, 300),
    "English punctuation": _jitter("I hope that this helps you", _ENGLISH_ENDS, 300),
    "commas that come and go": "".join(
        "请注意"
        + ("，" if n * n % 3 else "")
        + "这个方法"
        + ("，" if n % 5 else "")
        + "不一定有效。"
        for n in range(300)
    ),
    "paragraph": _PARAGRAPH * 40,
    "English paragraph": _ENGLISH_PARAGRAPH * 40,
    "paragraph, after others": _INTRODUCTION + _PARAGRAPH * 40,
    "paragraph with jitter": _jitter(_PARAGRAPH.rstrip("。\n"), _ENDS, 40),
}
"""Caught within `PROSE_LENGTH` ids or `FEWEST_ROUNDS` rounds, whichever is more."""

ROWS: dict[str, str] = {
    "dashes": "-" * 20000,
    "full stops": "。" * 3000,
    "exclamation marks": "!" * 20000,
    "zeros": "0, " * 2000,
    "one digit": "3" * 3000,
    "blank lines": "\n" * 3000,
    "emoji": "🌧" * 1500,
    "a row": "| 苹果 | 0 |\n" * 500,
    "a statement": "    counter += 1\n" * 500,
    "lines that are broken anywhere": _jitter(
        "今天天气很好我们去公园散步吧", ("", " ", "\n", "  ", "\n\n"), 300
    ),
    "a line of verse": "我爱你\n" * 800,
    "brackets": "[[]]" * 2000,
    "lines of code": 'if x > 0:\n    print("positive")\nelse:\n    print("negative")\n' * 200,
}
"""Caught within `LONGEST_ROWS_LENGTH` ids or `FEWEST_ROUNDS` rounds, whichever is more."""
