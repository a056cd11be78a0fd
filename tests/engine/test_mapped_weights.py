"""Pages of a mapped file: gone when they are let go, and read again when they are touched."""

from __future__ import annotations

import mmap
import sys
from pathlib import Path

import pytest

from glmscope.engine import mapped_weights
from glmscope.engine.mapped_weights import let_go, letting_go

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

SIZE = 4 * 2**20
CONTENT = bytes(range(256)) * (SIZE // 256)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "some weights.bin"
    path.write_bytes(CONTENT)
    return path


def resident(path: Path) -> int:
    """Bytes of the file that this process has in memory."""
    found, inside = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split()[0]:
            inside = line.endswith(str(path))
        elif inside and line.startswith("Rss:"):
            found += 1024 * int(line.split()[1])
    return found


def test_what_is_let_go_is_read_again_when_touched(weights: Path) -> None:
    with weights.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        assert mapped[:] == CONTENT
        assert resident(weights) == SIZE
        assert let_go(weights) == SIZE
        assert resident(weights) == 0
        assert mapped[:] == CONTENT


def test_a_file_that_goes_by_another_name_is_found(weights: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.bin"
    link.symlink_to(weights)
    with weights.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        assert mapped[:] == CONTENT
        assert let_go(link) == SIZE
        assert resident(weights) == 0


def test_changes_in_a_mapping_of_ones_own_are_not_lost(weights: Path) -> None:
    with weights.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) as mapped:
        mapped[:5] = b"other"
        assert let_go(weights) == 0
        assert mapped[:5] == b"other"


def test_nothing_is_let_go_where_there_is_nothing(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert let_go(weights) == 0
    assert let_go(tmp_path / "missing") == 0
    monkeypatch.setattr(mapped_weights, "_MAPS", tmp_path / "no-such-system")
    assert let_go(weights) == 0


def test_a_block_lets_go_at_its_end_whatever_ends_it(weights: Path) -> None:
    with weights.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        with letting_go(weights):
            assert mapped[:] == CONTENT
        assert resident(weights) == 0
        with pytest.raises(ValueError, match="broken"), letting_go(weights):
            assert mapped[:] == CONTENT
            raise ValueError("broken")
        assert resident(weights) == 0
