"""`python -m tokenlease`: the program `tokenlease`, with all its commands."""

from __future__ import annotations

import os
import subprocess
import sys

from tokenlease import _program


def main() -> int:
    """Run the program in place of this process, or wait for it on Windows."""
    try:
        program = _program.find()
    except FileNotFoundError as error:
        sys.stderr.write(f"tokenlease: {error}\n")
        return 2
    command = [program, *sys.argv[1:]]
    if os.name != "nt":
        os.execv(program, command)  # noqa: S606 - the arguments are the caller's
    return subprocess.call(command)  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
