"""Message formats that more than one provider speaks, read into the conventions' messages."""
