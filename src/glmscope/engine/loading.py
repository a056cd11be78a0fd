"""Opening a converted model: its weights are hashed while the runtime packs them, and let go."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from glmscope.engine.mapped_weights import letting_go
from glmscope.engine.pipeline import Pipeline, PipelineSettings
from glmscope.model.manifest import WEIGHTS_FILE, Manifest


def load_pipeline(directory: Path, manifest: Manifest, settings: PipelineSettings) -> Pipeline:
    """A pipeline that can answer, whose weights are those that the manifest lists.

    Raises ModelFilesError where they are not, or where the runtime cannot load them.
    """
    with ThreadPoolExecutor(1, "hash") as pool:
        checked = pool.submit(manifest.check_hashes, directory)
        try:
            with letting_go(directory / WEIGHTS_FILE):
                pipeline = Pipeline(directory, settings)
        finally:
            checked.result()  # says more than whatever the runtime made of a damaged file
    return pipeline
