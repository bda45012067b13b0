"""Message formats, whoever carries them, read into the conventions' messages."""
