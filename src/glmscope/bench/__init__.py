"""Measure speed: of networks on this machine, and of servers over the wire.

Every figure stands beside what limits it, measured in the same run.
"""
