"""Text out of packages: fetched from folders made here, cleaned, kept once; and missing ones."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from glmscope.errors import UsageError
from glmscope.train.packages import (
    Files,
    Package,
    PackageMissingError,
    Repeats,
    collect,
    read_documents,
    read_package_list,
)
from glmscope.train.packages_text import (
    LONGEST,
    SHORTEST,
    fortunes,
    page_blocks,
    page_documents,
    python_functions,
)
from tests.support.paths import REPOSITORY

LIST = REPOSITORY / "train" / "data" / "packages.toml"
SENTENCE = "电脑里的文件可以放进不同的文件夹，这样以后要找的时候就容易多了。"
PAGE = f"""<html><head><title>标题</title><style>p {{}}</style></head>
<body class="article toc-left">
<nav><p>{SENTENCE}导航。</p></nav><div class="toc"><div>{SENTENCE}</div>目录在这里写着。</div>
<h1>文件和<em>文件夹</em></h1><p>第一段。{SENTENCE * 2}</p>
<p>An English paragraph that nobody has translated so far, although they should have.</p>
<pre>ls -l</pre><table><tr><td>{SENTENCE}</td></tr></table>
<p>第二段写在
两行里。{SENTENCE}</p></body></html>"""
FUNCTION = '''def double(number):
    """Twice the number.

    >>> double(21)
    42

    Works for every number, and for texts and lists as well.
    """
    return number * 2
'''


def package(source: str, name: str, *files: Files) -> Package:
    return Package(source, name, "Somebody", "MIT", files)


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes packages from, with a wheel of `doublers` in it."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / "doublers-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("doublers/more.py", FUNCTION)
        wheel.writestr("doublers/again.py", FUNCTION)
        wheel.writestr("doublers-1.0.dist-info/METADATA", "Name: doublers\nVersion: 1.0\n")
        wheel.writestr("doublers-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("doublers-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_functions_are_read_out_of_a_wheel_once(wheels: Path, tmp_path: Path) -> None:
    doublers = package("pypi", "doublers", Files(("doublers/*.py",), "python", "en"))
    found = collect([doublers], tmp_path / "texts.gz", required=True)
    assert found == f"{len(FUNCTION.strip())} characters of en"
    assert list(read_documents(tmp_path / "texts.gz", {"doublers": 2})) == [FUNCTION.strip()] * 2
    assert list(read_documents(tmp_path / "texts.gz", {})) == []


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs dpkg-deb, to make a package")
def test_pages_are_read_out_of_a_debian_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tmp_path / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_text(
        "Package: pages\nVersion: 1\nArchitecture: all\nMaintainer: A <a@b.c>\nDescription: pages\n"
    )
    (tree / "doc").mkdir()
    (tree / "doc" / "a.html").write_text(PAGE, encoding="utf-8")
    (tree / "doc" / "b.html").symlink_to(tmp_path / "outside.html")
    (tmp_path / "outside.html").write_text(PAGE.replace("第", "外面第"), encoding="utf-8")
    archive = tmp_path / "pages_1_all.deb"
    subprocess.run(["dpkg-deb", "--build", str(tree), str(archive)], check=True)
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "apt-get").write_text(f"#!/bin/sh\ncp '{archive}' .\n")
    (tools / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=":")

    pages = package("debian", "pages", Files(("doc/*.html",), "page", "zh"))
    collect([pages], tmp_path / "texts.gz", required=True)
    (document,) = read_documents(tmp_path / "texts.gz", {"pages": 1})
    assert document.startswith("文件和文件夹\n第一段。")
    assert "外面" not in document


def test_a_missing_package_stops_the_stage_unless_it_may_be_left_out(
    wheels: Path, tmp_path: Path
) -> None:
    doublers = package("pypi", "doublers", Files(("doublers/*.py",), "python", "en"))
    missing = package("pypi", "nobody-made-this", Files(("*.py",), "python", "en"))
    with pytest.raises(PackageMissingError, match="nobody-made-this could not be fetched"):
        collect([doublers, missing], tmp_path / "texts.gz", required=True)
    assert not (tmp_path / "texts.gz").exists()
    found = collect([doublers, missing], tmp_path / "texts.gz", required=False)
    assert "Left out: nobody-made-this could not be fetched" in found
    assert list(read_documents(tmp_path / "texts.gz", {"doublers": 1}))


def test_a_package_without_the_listed_text_is_an_error(wheels: Path, tmp_path: Path) -> None:
    moved = package("pypi", "doublers", Files(("elsewhere/*.py",), "python", "en"))
    with pytest.raises(UsageError, match=r"No text was found in elsewhere/\*\.py of doublers"):
        collect([moved], tmp_path / "texts.gz", required=False)


def test_only_prose_of_the_language_is_kept_of_a_page() -> None:
    (document,) = page_documents(PAGE, "zh")
    assert document.split("\n") == [
        "文件和文件夹",
        f"第一段。{SENTENCE * 2}",
        f"第二段写在两行里。{SENTENCE}",
    ]


def test_a_mallard_page_has_its_title_and_none_of_its_credits() -> None:
    page = (
        "<page><info><p>Somebody</p></info><title>什么是<gui>地址</gui>？</title><p>答。</p></page>"
    )
    assert [(block.text, block.heading) for block in page_blocks(page)] == [
        ("什么是地址？", True),
        ("答。", False),
    ]


def test_long_pages_become_documents_that_end_at_a_paragraph() -> None:
    page = "".join(f"<h2>第{n}节</h2><p>{n}号。{SENTENCE * 5}</p>" for n in range(30))
    found = list(page_documents(page, "zh"))
    assert len(found) > 5
    assert all(SHORTEST <= len(document) <= LONGEST + 30 for document in found)
    assert all(document.startswith("第") and document.endswith("。") for document in found)
    assert sum(document.count("号。") for document in found) == 30


def test_sayings_lose_their_colors_and_wrapped_lines_are_joined() -> None:
    wrapped = (
        "在这样规模的项目里很难避免遇到与你意见不和或者难以合作的人\n请接受这一事实，并保持礼貌。"
    )
    text = (
        f"\x1b[32m{wrapped}\x1b[m\n%\n短。\n%\n"
        + "這個國家的東西對們來說還是時間與學問，過後見。" * 2
    )
    assert list(fortunes(text, "zh")) == [wrapped.replace("\n", "")]


def test_functions_without_a_docstring_and_private_ones_are_left_out() -> None:
    body = FUNCTION.replace("def double", "def _double")
    bare = "def bare(number):\n" + "    number += 1\n" * 20
    assert list(python_functions(f"{FUNCTION}\n\n{body}\n\n{bare}", "en")) == [FUNCTION.strip()]


def test_long_lines_are_kept_once_and_short_ones_every_time() -> None:
    repeats = Repeats()
    assert repeats.removed_from(f"例子\n{SENTENCE}", whole=False) == f"例子\n{SENTENCE}"
    assert repeats.removed_from(f"例子\n{SENTENCE}", whole=False) == ""
    assert repeats.removed_from(f"例子\n{SENTENCE}\n另外，{SENTENCE}", whole=False) == (
        f"例子\n另外，{SENTENCE}"
    )


def test_the_list_and_the_settings_name_the_same_packages() -> None:
    from glmscope.train.settings import load_settings

    packages = read_package_list(LIST)
    names = [package.name for package in packages]
    assert len(set(names)) == len(names)
    assert set(load_settings(REPOSITORY / "train" / "nano.toml").packages) == set(names)


def test_a_list_with_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "packages.toml"
    path.write_text(LIST.read_text(encoding="utf-8").replace('"fortunes"\nl', '"riddles"\nl'))
    with pytest.raises(UsageError, match="unknown source or kind 'riddles'"):
        read_package_list(path)
