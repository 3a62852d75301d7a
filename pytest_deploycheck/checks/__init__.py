"""Pure judgement: an answer, a bound and the answering system's own time → a finding. No I/O, no clock, no pytest."""
