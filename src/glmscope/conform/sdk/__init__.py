"""Official SDKs, each driven in an environment of its own."""
