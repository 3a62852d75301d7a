"""The sign-off: one versioned record of a run, written so that a killed run can never look like a GO."""
