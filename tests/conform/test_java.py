"""The Java half of `glmscope conform`, on a stand-in for the SDK.

No test here runs the SDK itself: its jars come from Maven, which tests do not reach. The stand-in
has its classes and its habits on the wire, as the protocol describes them, over the libraries that
the SDK stands on: OkHttp and Gson, from Debian's packages.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from glmscope.conform.check import CHECKS, Lane
from glmscope.conform.checks import register_all
from glmscope.conform.run import Outcome, run_one
from glmscope.conform.sdk.java import PAGE, JavaSdk
from glmscope.conform.sdk.pages import page
from glmscope.conform.table import ROWS
from glmscope.conform.target import Target
from glmscope.errors import UsageError
from tests.support.paths import REPOSITORY

STAND_IN = Path(__file__).with_name("java_stand_in")
LIBRARIES = [Path("/usr/share/java", f"{name}.jar") for name in ("okhttp", "okio", "gson")]
SKIPPED = {11: "Generation cannot say history as pairs"}
TARGET = Target("http://127.0.0.1:9", "none")
POM = "{http://maven.apache.org/POM/4.0.0}"

needs_jdk = pytest.mark.skipif(not shutil.which("javac"), reason="no JDK: javac is not on the path")
needs_libraries = pytest.mark.skipif(
    not all(library.is_file() for library in LIBRARIES),
    reason="no OkHttp and Gson: Debian has them as libokhttp-java and libgoogle-gson-java",
)


@pytest.fixture(scope="module")
def jars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the stand-in and what it stands on."""
    directory, classes = tmp_path_factory.mktemp("jars"), tmp_path_factory.mktemp("classes")
    for library in LIBRARIES:
        shutil.copy(library, directory)
    command = ["javac", "-encoding", "UTF-8", "--release", "8", "-d", str(classes), "-nowarn"]
    classpath = ["-cp", os.pathsep.join(str(jar) for jar in directory.glob("*.jar"))]
    sources = map(str, STAND_IN.rglob("*.java"))
    done = subprocess.run([*command, *classpath, *sources], stderr=subprocess.PIPE, timeout=120)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(directory / "stand-in.jar", "w") as jar:
        for each in classes.rglob("*.class"):
            jar.write(each, each.relative_to(classes))
    return directory


@pytest.fixture(scope="module")
def sdk(address: tuple[str, str], jars: Path) -> Iterator[JavaSdk]:
    with JavaSdk(Target(*address), jars) as driven:
        yield driven


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
@needs_libraries
@pytest.mark.parametrize("number", [row.number for row in ROWS if "J" in row.who])
def test_every_check_of_the_java_sdk(sdk: JavaSdk, number: int) -> None:
    register_all()
    checks = [each for each in CHECKS if each.number == number and each.lane is Lane.JAVA]
    outcome, reason = run_one(checks, sdk, plays_script=True)
    assert outcome is (Outcome.SKIPPED if number in SKIPPED else Outcome.PASSED), reason
    assert SKIPPED.get(number, "") in reason


@needs_jdk
@needs_libraries
def test_no_table_calls_the_stand_in_the_sdk(sdk: JavaSdk) -> None:
    assert sdk.name.startswith("java stand-in (okhttp/")


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
