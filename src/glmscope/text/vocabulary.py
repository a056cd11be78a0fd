"""Small SentencePiece vocabularies, trained in memory with the rules of the published one.

They stand in where no published `tokenizer.model` is at hand: tests, prepared replies, synthetic
checkpoints. Training is deterministic.
"""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Iterable

from sentencepiece import SentencePieceTrainer

from glmscope.errors import UsageError

BUILTIN_SIZE = 1024

_LINE_BREAKS_AND_TABS = re.compile(r"[\r\n\t]+")
_WORD_BEGINS = re.compile(r"(?:^|(?<= ))(?=[^\W_])")
_APART = "\N{WORD JOINER}"
"""Put where no piece may reach across; the library takes it out of the text."""


def build_vocabulary(sentences: Iterable[str], size: int, *, words_apart: bool = False) -> bytes:
    """The bytes of a `tokenizer.model` of `size` pieces (control and byte pieces among them).

    As in the published vocabulary (section 7.1): BPE with byte fallback, single digits, no
    normalization, whitespace kept, a dummy prefix; newline and tab have no piece of their own.

    With `words_apart` a word is no piece together with the space before it: the same word is then
    the same ids after a space, a quote or a bracket, so that a small network can copy it.

    Raises UsageError when the sentences cannot fill, or do not fit into, `size` pieces.
    """
    lines = (line for text in sentences for line in _LINE_BREAKS_AND_TABS.split(text))
    if words_apart:
        lines = (_WORD_BEGINS.sub(_APART, line.replace(_APART, "")) for line in lines)
    model = io.BytesIO()
    try:
        SentencePieceTrainer.train(
            sentence_iterator=iter(lines),
            model_writer=model,
            vocab_size=size,
            model_type="bpe",
            byte_fallback=True,
            split_digits=True,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            allow_whitespace_only_pieces=True,
            add_dummy_prefix=True,
            character_coverage=1.0,
            pretokenization_delimiter=_APART if words_apart else "",
            # The default would leave longer lines out without a word that anyone sees.
            max_sentence_length=1 << 30,
            num_threads=1,
            minloglevel=3,
        )
    except RuntimeError as error:
        # The library puts the place in its sources, in brackets, in front of what went wrong.
        reason = str(error).rpartition("] ")[2].rstrip(". ") or "there is no text in them"
        raise UsageError(
            f"No vocabulary of {size} pieces can be made of these sentences: {reason}."
        ) from None
    return model.getvalue()


@functools.cache
def builtin_vocabulary() -> bytes:
    """A `tokenizer.model` of 1024 pieces, from the sentences below and nothing else."""
    return build_vocabulary(BUILTIN_SENTENCES, BUILTIN_SIZE)


BUILTIN_SENTENCES = (
    "你好，我是一个人工智能助手，很高兴见到你，欢迎问我任何问题。",
    "杭州是浙江省的省会，位于中国东南沿海，以西湖的风景闻名于世。",
    "西湖十景各有特色，春天看苏堤的桃花，夏天赏曲院的荷花。",
    "今天天气怎么样？北京晴，气温二十二度，有微风，适合出门散步。",
    "晚上睡不着应该怎么办？可以听一听轻音乐，少喝咖啡，早些关灯休息。",
    "请用中文写一首关于秋天的诗，再把它翻译成英文。",
    "机器学习让计算机从数据中学习规律，而不必由人写出每一条规则。",
    "这个模型在用户自己的电脑上运行，不需要把对话发送到别的地方。",
    "如果运行结果有错误，请说明原因，并且给出改进的办法。",
    "中国有五千年的历史，汉字是世界上最古老的文字之一。",
    "学习一门新的语言需要时间和耐心，每天坚持一点就会有进步。",
    "一个好的程序应该容易读懂，容易修改，也容易测试。",
    "早餐吃豆浆和油条，午饭吃面条，晚饭吃米饭和青菜。",
    "火车从上海开往南京，大约需要一个小时，票价一百四十元。",
    "他说：“明天我们一起去图书馆吧！”她回答：“好的，没问题。”",
    "地球绕着太阳转，月亮绕着地球转，一年有三百六十五天。",
    "请列出三种常见的排序方法，并比较它们的速度和内存用量。",
    "孩子们在公园里放风筝，老人们在树下喝茶、下棋、聊天。",
    "感谢您的提问，希望我的回答能够帮助到您。",
    "第一步先打开文件，第二步读取内容，最后不要忘记关闭文件。",
    "人们常说，读万卷书不如行万里路，两者其实都很重要。",
    "问：什么是词表？答：词表是模型认识的所有词语和符号的列表。",
    "Hello! I am an assistant that runs on your own machine. How can I help you today?",
    "You are a helpful assistant. Answer the following questions as best as you can.",
    "Follow the user's instructions carefully and respond using markdown where it helps.",
    "Hangzhou is the capital of Zhejiang province, known for the beauty of its West Lake.",
    "The weather in Beijing is sunny today, with a light wind and 22 degrees in the afternoon.",
    "A language model reads a sequence of tokens and predicts which token comes next.",
    "The quick brown fox jumps over the lazy dog, and the dog does not seem to mind at all.",
    "Please write a short poem about autumn, and then translate it into Chinese.",
    "To sort a list of numbers, compare them in pairs and swap those in the wrong order.",
    "She opened the window, looked at the garden, and said that spring had come at last.",
    "There are 365 days in a year, 24 hours in a day and 60 minutes in an hour.",
    "What is the difference between a process and a thread? Threads share their memory.",
    "Learning something new every day is easier than learning everything in one day.",
    "You have access to the following tools: get_weather, search, and interpreter.",
    "def add(left, right):    return left + right  # the sum of two numbers",
    "for name, value in sorted(table.items()):    print(name, value)",
    "tool_call(city='上海', days=7)  # what a generated call looks like",
    '{"name": "get_weather", "description": "Weather of a city", "required": ["city"]}',
    "[Round 1] 问：1 + 1 等于几？ 答：1 + 1 = 2。 [Round 2] 问：那 2 * 3 呢？ 答：等于 6。",
    "In the end, the best test of understanding is whether you can explain it simply.",
)
"""The corpus of the built-in vocabulary."""
