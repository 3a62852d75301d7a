"""Read-only views of one record, and the text of one failure."""
