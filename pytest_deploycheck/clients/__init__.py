"""One client per system: ask, parse into the model, refuse unknown shapes. No judgement."""
