"""numpy, pandas and matplotlib in cells."""

from __future__ import annotations

import importlib.util
import struct
from pathlib import Path

import pytest

from glmscope.agent.sandbox import Ending, Image, Sandbox, SandboxLimits, Stream, Text, importable
from tests.agent.sandbox.conftest import Opener

MISSING = [n for n in ("numpy", "pandas", "matplotlib") if importlib.util.find_spec(n) is None]
pytestmark = pytest.mark.skipif(
    bool(MISSING), reason=f"not installed: {', '.join(MISSING)} (glmscope[interpreter])"
)
LIMITS = SandboxLimits(images=3, image_bytes=200_000)


@pytest.fixture
async def sandbox(opener: Opener) -> Sandbox:
    return await opener(LIMITS, packages=importable(["numpy", "pandas", "matplotlib"]))


def size(image: Image) -> tuple[int, int]:
    width, height = struct.unpack(">II", image.png[16:24])
    return width, height


def test_packages_come_with_what_they_need_and_nothing_else() -> None:
    found = importable(["pandas"])
    assert {"pandas", "numpy", "dateutil"} <= set(found)
    assert not {"glmscope", "fastapi", "matplotlib", "pip", "sqlalchemy"} & set(found)
    assert all(path.exists() for path in found.values())
    assert not any("/" in name or name.endswith(".pth") for name in found)
    assert importable(["no-such-package"]) == {}


async def test_tables_and_figures(sandbox: Sandbox) -> None:
    table = "import pandas as pd\npd.DataFrame({'城市': ['北京', '上海'], '人口': [2189, 2487]})"
    result = await sandbox.run(table)
    assert result.outputs == (Text(Stream.VALUE, "   城市  人口\n0  北京  2189\n1  上海  2487\n"),)
    figures = (
        "import numpy as np, matplotlib.pyplot as plt\n"
        "plt.plot(np.arange(3))\nplt.show()\nprint('between')\n"
        "figure, axes = plt.subplots(figsize=(3, 2))\naxes.bar(['a'], [1])\nNone"
    )
    result = await sandbox.run(figures)
    first, text, second = result.outputs
    assert isinstance(first, Image)
    assert isinstance(second, Image)
    assert text == Text(Stream.STDOUT, "between\n")
    assert (size(first), size(second)) == ((640, 480), (300, 200))
    # What was shown is closed; a figure of a cell that fails is shown all the same.
    result = await sandbox.run("print(plt.get_fignums())\nplt.figure()\n1/0")
    assert (result.text(Stream.STDOUT), len(result.images)) == ("[]\n", 1)
    assert result.ending is Ending.FAILED
    # More, and larger, than is passed on.
    code = "for n in range(5):\n    plt.figure()"
    result = await sandbox.run(code)
    assert (len(result.images), result.omitted_images) == (3, 2)
    assert result.notes == ("2 pictures are left out.",)
    code = "plt.figure(figsize=(9, 9))\nplt.imshow(np.random.default_rng(1).random((900, 900, 3)))"
    result = await sandbox.run(code)
    assert (result.images, result.omitted_images) == ((), 1)
    result = await sandbox.run("plt.figure(figsize=(10**6, 1))\nplt.show()")
    assert (result.images, result.ending) == ((), Ending.FAILED)
    result = await sandbox.run("plt.get_fignums()")
    assert (result.text(), result.images) == ("[]\n", ())
    # A file of a figure comes out as it is.
    await sandbox.run("plt.figure()\nplt.savefig('plot.png')\nplt.close()")
    assert (await sandbox.get("plot.png")).startswith(b"\x89PNG")
    # Only these packages are there.
    result = await sandbox.run("import glmscope")
    assert result.text().endswith("ModuleNotFoundError: No module named 'glmscope'\n")


def chinese_fonts() -> list[str]:
    fonts = Path("/usr/share/fonts")
    names = ("wqy", "NotoSansCJK", "DroidSansFallback", "uming", "ukai")
    return [path.name for path in fonts.rglob("*") if path.name.startswith(names)]


@pytest.mark.skipif(not chinese_fonts(), reason="no Chinese font here (fonts-wqy-microhei)")
@pytest.mark.parametrize("family", [None, "SimHei"])
async def test_chinese_in_plots(sandbox: Sandbox, family: str | None) -> None:
    code = "import matplotlib.pyplot as plt\n"
    if family:  # a font of Windows, which models like to name
        code += f"plt.rcParams['font.sans-serif'] = ['{family}']\n"
    result = await sandbox.run(code + "plt.title('各城市人口')\nplt.plot([-1, 2])\nplt.show()")
    # A glyph that no font has would be complained of.
    assert (len(result.images), result.text(Stream.STDERR)) == (1, "")
