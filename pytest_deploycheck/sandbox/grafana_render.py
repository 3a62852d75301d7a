"""Pictures of panels: what Grafana sends with and without an image renderer."""

from __future__ import annotations

import struct
import zlib

PLACEHOLDER = (1000, 500)
"""Width and height of the picture that says that there is no renderer, whatever size was asked for."""
_GREY, _BLUE = b"\x80\x80\x80", b"\x20\x60\xa0"
_MAX = 4000


def placeholder() -> bytes:
    """Return the picture that is sent, with status 200, when there is no renderer."""
    return _png(*PLACEHOLDER, _GREY)


def picture(width: str, height: str) -> bytes:
    """Return a picture of the size that was asked for (1000 by 500 if it was not)."""
    sizes = [min(int(text), _MAX) if text.isdigit() and int(text) else default
             for text, default in ((width, 1000), (height, 500))]  # fmt: skip
    return _png(sizes[0], sizes[1], _BLUE)


def _png(width: int, height: int, colour: bytes) -> bytes:
    rows = (b"\0" + colour * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits a channel, RGB
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
