"""One turn of a conversation, whichever wire it came by."""
