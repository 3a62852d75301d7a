"""What a check holds in its hands: the systems, their answers, and the judgements that `assert` asks for.

Everything here is hidden from tracebacks: a reader at 2 a.m. is shown the line of the check, not ours.
"""
