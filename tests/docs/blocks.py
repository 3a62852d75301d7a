"""The fenced blocks, links and anchors of the documents."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = (ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md")))

_FENCED = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (?P<text>.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    document: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document.name}:{self.line}"


def blocks(*languages: str) -> list[Block]:
    """Return the blocks of these languages in all documents."""
    found = []
    for document in DOCUMENTS:
        whole = document.read_text(encoding="utf-8")
        for match in _FENCED.finditer(whole):
            if match["language"] in languages:
                line = whole.count("\n", 0, match.start()) + 1
                found.append(Block(document, line, match["language"], textwrap.dedent(match["text"])))
    return found


def prose(document: Path) -> str:
    """Return a document without its blocks."""
    return _FENCED.sub("", document.read_text(encoding="utf-8"))


def links(document: Path) -> list[str]:
    """Return the targets of a document's links that lead to files of the repository."""
    return [match["target"] for match in _LINK.finditer(prose(document)) if "://" not in match["target"]]


def anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as the usual renderers make them."""
    return {
        re.sub(r"[^\w\- ]", "", match["text"].strip().lower()).replace(" ", "-")
        for match in _HEADING.finditer(prose(document))
    }
