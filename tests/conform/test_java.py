"""The Java programs: well formed, and compiled against stubs where a JDK is at hand.

No test here runs the SDK: its jars come from Maven, which tests do not reach.
"""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from glmscope.conform.sdk.java import DRIVER, PAGE, JavaSdk
from glmscope.conform.sdk.pages import page
from glmscope.conform.target import Target
from glmscope.errors import UsageError
from tests.support.paths import REPOSITORY

STUBS = Path(__file__).with_name("java_stubs")
TARGET = Target("http://127.0.0.1:9", "none")
POM = "{http://maven.apache.org/POM/4.0.0}"

needs_jdk = pytest.mark.skipif(not shutil.which("javac"), reason="no JDK: javac is not on the path")


def test_the_pom_names_the_sdk_and_the_program() -> None:
    root = ElementTree.parse(REPOSITORY / "examples/java/pom.xml").getroot()
    artifacts = [each.text for each in root.iter(f"{POM}artifactId")]
    assert root.tag == f"{POM}project"
    assert "dashscope-sdk-java" in artifacts
    assert [each.text for each in root.iter(f"{POM}mainClass")] == [PAGE.removesuffix(".java")]


def test_the_page_program_is_found_in_the_examples() -> None:
    assert page(PAGE) == REPOSITORY / "examples/java/src/main/java" / PAGE
    assert "介绍下杭州" in page(PAGE).read_text(encoding="utf-8")
    with pytest.raises(FileNotFoundError):
        page("Nothing.java")


@needs_jdk
def test_both_programs_compile_against_the_sdk_s_signatures(tmp_path: Path) -> None:
    sources = [DRIVER, page(PAGE), *STUBS.rglob("*.java")]
    command = ["javac", "-encoding", "UTF-8", "-d", str(tmp_path)]
    done = subprocess.run(
        [*command, *map(str, sources)], capture_output=True, encoding="utf-8", timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "Driver.class").is_file()
    assert (tmp_path / "CallWithPrompt.class").is_file()


@needs_jdk
def test_jars_that_are_not_the_sdk_s_are_refused_with_what_javac_said(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "other.jar", "w") as jar:
        jar.writestr("nothing.txt", "")
    with pytest.raises(UsageError, match=r"javac says: .*com\.alibaba\.dashscope"):
        JavaSdk(TARGET, tmp_path)


@needs_jdk
def test_a_directory_without_jars_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no jars in"):
        JavaSdk(TARGET, tmp_path)


def test_without_a_jdk_the_reason_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="no JDK"):
        JavaSdk(TARGET, tmp_path)
