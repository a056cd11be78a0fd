"""ChatGLM2-6B and ChatGLM3-6B on your own machine, behind the DashScope API."""

__version__ = "0.1.0"
