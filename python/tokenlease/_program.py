"""The program `tokenlease`, which the package `tokenlease-emulator` installs."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig

MISSING = (
    "the program tokenlease is not installed; expected it in the scripts of this Python or in "
    'PATH; run: pip install "tokenlease[testing]"'
)


def find() -> str:
    """Return the path of the program: of this environment, of the user, or of `PATH`.

    Raises `FileNotFoundError` if there is none.
    """
    schemes = [sysconfig.get_path("scripts"), os.path.dirname(sys.executable)]  # noqa: PTH120
    user = f"{os.name}_user"
    if user in sysconfig.get_scheme_names():
        schemes.append(sysconfig.get_path("scripts", user))
    for folder in [*schemes, None]:
        found = shutil.which("tokenlease", path=folder)
        if found is not None:
            return found
    raise FileNotFoundError(MISSING)
