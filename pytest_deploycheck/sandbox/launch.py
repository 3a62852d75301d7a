"""Become another program that dies with the process that asked for it; `launch.py PARENT GROUP PROGRAM …`.

A sandbox must leave nothing behind even when its owner is killed with SIGKILL and can clean up nothing. Linux does that
with `PR_SET_PDEATHSIG`, which has to be set *in the child* and survives `execve`. Setting it here, in a program of its
own, avoids Python code between fork and exec of a process that has threads.

Only the standard library and nothing of this package is imported: the start costs some 20 ms.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h
USAGE_CODE = 2
LEAST_ARGUMENTS = 3
NOT_STARTED_CODE = 127  # as a shell says "command not found"


def main(arguments: list[str]) -> int:
    """Ask the kernel to be killed when the parent dies, then become the program.

    Args:
        arguments: the parent's process id; `own` or `same` process group; the program, its arguments.

    Returns:
        Only if the program cannot be run: an exit code.
    """
    if len(arguments) < LEAST_ARGUMENTS or not arguments[0].isdigit() or arguments[1] not in {"own", "same"}:
        print("usage: launch.py PARENT_PID own|same PROGRAM [ARGUMENT …]", file=sys.stderr)  # noqa: T201 - a program
        return USAGE_CODE
    parent, program = int(arguments[0]), arguments[2]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        error = os.strerror(ctypes.get_errno())
        print(f"prctl(PR_SET_PDEATHSIG): {error}", file=sys.stderr)  # noqa: T201
        return NOT_STARTED_CODE
    if os.getppid() != parent:  # it died before the request took effect, and no signal will come any more
        return NOT_STARTED_CODE
    # A group of its own: Ctrl-C in the owner's terminal reaches the owner alone, who then ends the stack in order.
    if arguments[1] == "own":
        os.setpgid(0, 0)
    try:
        os.execvp(program, arguments[2:])  # noqa: S606 - becoming another program is what this one is for
    except OSError as error:
        print(f"{program}: {error.strerror}", file=sys.stderr)  # noqa: T201
    return NOT_STARTED_CODE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
