"""The program's own log records, and if asked for its prints, beside the spans they were made in."""
