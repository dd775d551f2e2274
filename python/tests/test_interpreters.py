from __future__ import annotations

from typing import TYPE_CHECKING

from conftest import run

if TYPE_CHECKING:
    from conftest import Emulator


# Rule: Languages: a subinterpreter gets an `ImportError`, and the main interpreter is not affected.
# Reported as PyO3/pyo3#1028
def test_a_subinterpreter_gets_an_import_error(emulator: Emulator, provider: str) -> None:
    script = """
import asyncio
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
def sub():
    interpreter = interpreters.create()
    code = '''
try:
    import tokenlease
except ImportError as error:
    assert "WSGIApplicationGroup" in str(error), error
else:
    raise AssertionError
'''
    try:
        failed = interpreters.run_string(interpreter, code)
    finally:
        interpreters.destroy(interpreter)
    assert failed is None, failed
sub()
import tokenlease
client = tokenlease.AsyncClient(**options)
async def main():
    token = await client.token()
    sub()
    # The end of a subinterpreter does not end the main one's calls.
    return await client.validate(token)
assert asyncio.run(main())
sub()
print("end")
"""
    assert run(script, emulator.options(provider)) == "end"
