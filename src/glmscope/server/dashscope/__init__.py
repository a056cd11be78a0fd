"""The DashScope wire: text generation over HTTP and server-sent events."""
