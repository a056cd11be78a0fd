"""Clean paragraphs out of what packages hold: HTML and Mallard pages, fortunes, Python modules.

Only prose is kept: no tables, listings, navigation, addresses, or paragraphs that a translation
left in another language.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser

LONGEST = 1600
"""Characters of a document; a longer single paragraph is left out."""
GOOD_SIZE = 400
"""Characters after which the next heading starts a new document."""
SHORTEST = 100
"""Characters below which a page's or a function's document is left out."""
SHORTEST_SAYING = 30

_HEADING = re.compile("h[1-6]")
_BLOCK = re.compile(
    "h[1-6]|address|article|blockquote|body|caption|center|dd|div|dl|dt|hr|item|li|list|main|note"
    "|ol|p|page|section|steps|ul"
)
_UNWANTED = re.compile(
    "aside|audio|button|figcaption|figure|footer|head|header|info|label|listing|math|media|nav"
    "|noscript|pre|screen|script|select|style|sup|svg|synopsis|table|video"
)
_UNWANTED_CLASS = re.compile(
    r"(?<!\S)(docnav|footnotes|headerlink|howtoget|index|navfooter|navheader|navigation"
    r"|producttitle|programlisting|relatedtopics|revhistory|screen|toc)(?!\S)"
)

_HAN = re.compile(r"[\u4e00-\u9fff]")
_WIDE = r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]"
_SPACE_IN_HAN = re.compile(rf"(?<={_WIDE})\s+(?={_WIDE})")
_SYMBOLS = re.compile(r"[=<>{}\[\]\\|_$#*@^~`]")
_ADDRESS = re.compile(r"://|www\.|\S@\S+\.\S")
_COLOR = re.compile(r"\x1b\[[0-9;]*m")
_MALLARD_TITLE = re.compile(r"(</?)title\b")
_PARAGRAPH_END = "。！？：；”」.!?:;)）"
# Frequent characters that simplified Chinese does not write.
_TRADITIONAL = re.compile(
    "[這個們來時說國會為爲學對過後見長東車馬門開關無書話語請讓還與義應當點樣種發經電現實體頭"
    "親愛業從問間於風飛鳥魚龍萬億樂歲將軍師馮陽陰雲劉張楊趙錢孫陳漢漁詩誰識謂聲聞處盡舊歸獨輕]"
)


@dataclass(frozen=True)
class Block:
    """One heading or paragraph of a page, on one line."""

    text: str
    heading: bool = False


class _PageReader(HTMLParser):
    """Collects the blocks of a page, leaving out everything that is not prose."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._words: list[str] = []
        self._heading = False
        self._skipped = ""  # the element that is left out, and how deep its own name is nested
        self._depth = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if self._depth:
            self._depth += tag == self._skipped
            return
        if tag == "br":
            self._words.append(" ")
        classes = dict(attributes).get("class") or ""
        if _UNWANTED.fullmatch(tag) or (_BLOCK.fullmatch(tag) and _UNWANTED_CLASS.search(classes)):
            self._skipped, self._depth = tag, 1
            self._end_block(False)
        elif _BLOCK.fullmatch(tag):
            self._end_block(_HEADING.fullmatch(tag) is not None)

    def handle_endtag(self, tag: str) -> None:
        if self._depth:
            self._depth -= tag == self._skipped
        elif _BLOCK.fullmatch(tag):
            self._end_block(False)

    def handle_data(self, data: str) -> None:
        if not self._depth:
            self._words.append(data)

    def close(self) -> None:
        super().close()
        self._end_block(False)

    def _end_block(self, next_is_heading: bool) -> None:
        text = one_line("".join(self._words))
        if text:
            self.blocks.append(Block(text, self._heading))
        self._words = []
        self._heading = next_is_heading


def one_line(text: str) -> str:
    """Single spaces, and none between Chinese characters, where a line break left one."""
    return _SPACE_IN_HAN.sub("", " ".join(text.split()))


def page_blocks(markup: str) -> list[Block]:
    """Headings and paragraphs of an HTML or Mallard page, in order."""
    reader = _PageReader()
    # Python reads what stands in <title> as bare text, but a Mallard title has tags of its own.
    reader.feed(_MALLARD_TITLE.sub(r"\1h1", markup))
    reader.close()
    return reader.blocks


def is_prose(text: str, language: str) -> bool:
    """Whether a paragraph is a whole one, in simplified Chinese ("zh") or English ("en")."""
    han = len(_HAN.findall(text))
    if _ADDRESS.search(text) or len(_SYMBOLS.findall(text)) > 0.03 * len(text):
        return False
    if language == "zh":
        return han >= max(6, 0.3 * len(text)) and text[-1] in _PARAGRAPH_END and is_simplified(text)
    letters = sum(character.isascii() and character.isalpha() for character in text)
    return len(text) >= 50 and letters >= 0.7 * len(text) and text[-1] in _PARAGRAPH_END


def is_simplified(text: str) -> bool:
    """Whether next to none of the characters are traditional forms."""
    return len(_TRADITIONAL.findall(text)) <= 0.02 * len(text)


def page_documents(markup: str, language: str) -> Iterator[str]:
    """A page's prose in documents that end at a paragraph, headings kept where prose follows."""
    lines: list[str] = []
    size = 0
    heading = ""
    for block in page_blocks(markup):
        if block.heading:
            heading = block.text
            continue
        if not is_prose(block.text, language) or len(block.text) > LONGEST:
            continue
        if size + len(block.text) > LONGEST or (heading and size >= GOOD_SIZE):
            yield "\n".join(lines)
            lines, size = [], 0
        for line in (heading, block.text):
            if line:
                lines.append(line)
                size += len(line)
        heading = ""
    if size >= SHORTEST:
        yield "\n".join(lines)


def fortunes(text: str, language: str) -> Iterator[str]:
    """Poems and sayings, a document each, from a file that keeps them apart with `%`."""
    for saying in _COLOR.sub("", text).split("\n%\n"):
        lines = [one_line(line) for line in saying.splitlines()]
        document = "\n".join(line for line in _unwrapped(lines) if line)
        if not SHORTEST_SAYING <= len(document) <= LONGEST or _ADDRESS.search(document):
            continue
        if language != "zh" or (
            is_simplified(document) and len(_HAN.findall(document)) >= 0.6 * len(document)
        ):
            yield document


def _unwrapped(lines: Iterable[str]) -> Iterator[str]:
    """Lines that were broken to fit a terminal, joined again; verses end with a stop."""
    waiting = ""
    for line in lines:
        waiting += line
        if len(line) < 25 or line[-1] in _PARAGRAPH_END + "，、":
            yield waiting
            waiting = ""
    yield waiting


def python_functions(source: str, language: str) -> Iterator[str]:
    """The public functions of a module that say what they do, each with its docstring."""
    for node in ast.parse(source).body:
        if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
            continue
        code = ast.get_source_segment(source, node) or ""
        if ast.get_docstring(node) and SHORTEST <= len(code) <= LONGEST and code.isascii():
            yield code


READERS: dict[str, Callable[[str, str], Iterator[str]]] = {
    "page": page_documents,
    "fortunes": fortunes,
    "python": python_functions,
}
"""How each kind of file is read: its text and language in, documents out."""
