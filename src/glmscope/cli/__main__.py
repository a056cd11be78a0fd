"""`python -m glmscope.cli` is the `glmscope` command, for where it is not on the path."""

from glmscope.cli.main import run

run()
