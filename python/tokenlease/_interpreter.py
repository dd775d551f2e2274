"""Refuses to be imported outside the main interpreter of a process."""

from __future__ import annotations

import sys
from importlib import import_module

MODULE = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"


def check() -> None:
    """Raise `ImportError` in a subinterpreter.

    The threads of the client can only enter the main interpreter: a call of a subinterpreter would
    never return, and its end would stop the calls of the main one. The native module must not be
    loaded before this check, because the first interpreter that loads it keeps it for itself.
    """
    try:
        interpreters = import_module(MODULE)
    except ImportError:
        # This Python was built without subinterpreters.
        return
    if interpreters.get_current() != interpreters.get_main():
        message = (
            "tokenlease cannot be imported in a subinterpreter; import it in the main interpreter "
            "of the process. In mod_wsgi, set `WSGIApplicationGroup %{GLOBAL}`. In uWSGI, set "
            "`single-interpreter = true`. Instead of concurrent.interpreters, use threads or "
            "processes"
        )
        raise ImportError(message, name="tokenlease")
