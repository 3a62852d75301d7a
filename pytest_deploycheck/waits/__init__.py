"""When a check is tried again, and what became of its waiting. Pure: no pytest, no sleeping, the time is handed in."""
