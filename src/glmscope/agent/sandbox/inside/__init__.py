"""What runs inside a sandbox: the standard library alone, started by the sandbox's own Python.

    supervisor   process 1 of the sandbox: starts the kernel, watches it, freezes it between cells
    kernel       a second process: runs the cells in one namespace

The server imports `wire` and nothing else of this. Everything that comes out of a sandbox is data
from a stranger, whatever these modules promise: a cell may have rewritten them in its own process.
"""
