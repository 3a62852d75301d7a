"""The pytest session: the worker side observes and classifies, the controller side decides and writes."""
