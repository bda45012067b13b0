"""Sessions: root spans that group what one run of a program, a workflow or a request does."""
