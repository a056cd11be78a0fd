"""ChatGLM2-6B and ChatGLM3-6B on your own machine, behind the DashScope API."""

import sys

__version__ = "0.1.0"

# OpenVINO tells its makers of every import, in a process forked beside ours, unless the package
# that does so is not installed. Here it never is.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
