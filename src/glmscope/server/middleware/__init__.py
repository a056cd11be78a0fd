"""What surrounds every request. Plain ASGI: nothing here buffers a stream or hides a disconnect."""
