"""httpx and httpcore, for this room to import from here, without the half of httpx that is a command-line program.

`httpx/__init__.py` imports `httpx._main`, and with it click and rich, wherever these are installed, and does without
where that fails. That half takes longer to import than the library itself, and every run would wait for it. So it is
made to fail for the moment of the first import; whoever imports `httpx._main` later gets it as ever.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import httpcore

__all__ = ["httpcore", "httpx"]

_PROGRAM = "httpx._main"

if TYPE_CHECKING or "httpx" in sys.modules or _PROGRAM in sys.modules:
    import httpx
else:
    sys.modules[_PROGRAM] = None  # type: ignore[assignment]  # an import of it raises ImportError
    try:
        import httpx
    finally:
        del sys.modules[_PROGRAM]
