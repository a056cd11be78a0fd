"""The network: reading published checkpoints, building the graph, converting, the catalogue."""
