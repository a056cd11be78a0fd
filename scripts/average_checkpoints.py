"""Write the average of two checkpoints of one network, tensor by tensor, in float32.

    python scripts/average_checkpoints.py BEFORE AFTER SHARE DEST

SHARE, from 0 to 1, is the part of AFTER. Of a network that was trained on for what it lacked, and
lost a little of what it had, the average may keep both; docs/nano.md says where it did.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import torch

from glmscope.errors import GLMScopeError
from glmscope.train.checkpoint import export_checkpoint, load_checkpoint


def average(before: Path, after: Path, share: float, destination: Path) -> None:
    """Write (1 - share) * before + share * after. Raises SystemExit where they do not fit."""
    first, second = load_checkpoint(before), load_checkpoint(after)
    if first.config != second.config:
        raise SystemExit(f"{before} and {after} are not of one shape.")
    vocabulary = (after / "tokenizer.model").read_bytes()
    if vocabulary != (before / "tokenizer.model").read_bytes():
        raise SystemExit(f"{before} and {after} do not have one vocabulary.")
    earlier = first.state_dict()
    mixed = {
        name: (1 - share) * earlier[name] + share * t for name, t in second.state_dict().items()
    }
    second.load_state_dict(mixed)
    export_checkpoint(second, vocabulary, destination, torch.float32)


def main() -> None:
    """Read the command line and write the directory."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("share", type=float)
    parser.add_argument("destination", type=Path, metavar="DEST")
    options = parser.parse_args()
    if not 0 <= options.share <= 1:
        parser.error("SHARE is not from 0 to 1")
    if options.destination.exists():
        parser.error(f"{options.destination} exists")
    try:
        average(options.before, options.after, options.share, options.destination)
    except GLMScopeError as error:
        parser.error(str(error))
    except BaseException:
        shutil.rmtree(options.destination, ignore_errors=True)
        raise


if __name__ == "__main__":
    main()
