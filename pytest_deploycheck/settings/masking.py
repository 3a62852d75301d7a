"""What is not shown although it stands in the settings: things that look like secrets where none should be."""

from __future__ import annotations

import re

MASK = "***"

_SECRET_NAME = re.compile(
    r"token|secret|passw|passphrase|pwd|api[-_]?key|credential|authorization|x-auth|cookie|session|signature|private"
    r"|access[-_]?key|^auth$|^key$|^sig$",
    re.IGNORECASE,
)
_USERINFO = re.compile(r"(://)[^/?#\s]*@")
_PARAMETER = re.compile(r"(?<=[?&;])([^=&;#\s]+)=([^&;#\s]*)")
_FLAG = re.compile(r"--?([A-Za-z0-9_-]+)(=.*)?", re.DOTALL)


def looks_secret(name: str) -> bool:
    """Return whether a name (of a header, parameter or JSON key) suggests that its value is a secret."""
    return bool(_SECRET_NAME.search(name))


def masked_text(text: str) -> str:
    """Return a text without the user and password of URLs and without the values of secret-looking parameters."""

    def parameter(match: re.Match[str]) -> str:
        return f"{match[1]}={MASK}" if looks_secret(match[1]) else match[0]

    return _PARAMETER.sub(parameter, _USERINFO.sub(rf"\1{MASK}@", text))


def masked_arguments(arguments: tuple[str, ...]) -> list[str]:
    """Return a command's arguments without what follows a secret-looking flag: `--token=…`, `--token …`."""
    shown: list[str] = []
    after_flag = False
    for argument in arguments:
        match = _FLAG.fullmatch(argument)
        secret = bool(match) and looks_secret(match[1] if match else "")
        if match and secret and match[2]:
            shown.append(f"{argument[: match.start(2)]}={MASK}")
        else:
            shown.append(MASK if after_flag and not match else masked_text(argument))
        after_flag = secret and not (match and match[2])
    return shown
