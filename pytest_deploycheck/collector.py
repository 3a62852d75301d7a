"""The garbage collector, kept from walking over everything while much is made and nothing dropped.

Importing the session and its libraries makes a hundred thousand objects that all live to the end. Python's collector
would go over them, and over all of pytest's, a hundred times meanwhile: a quarter of the time to the first request.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MANY = 20_000
"""New objects from which on walking over them once is worth avoiding too."""


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the collector, and let it go on afterwards if it was on before; reference counting goes on all the time.

    What was made meanwhile stands among the oldest objects then, if it is much: the collector, which would walk over
    all of it at once, comes by when it looks at everything.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            # what somebody else froze would be thawed with it
            if gc.get_count()[0] > _MANY and not gc.get_freeze_count():
                gc.freeze()
                gc.unfreeze()
            gc.enable()
