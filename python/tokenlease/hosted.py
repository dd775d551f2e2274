"""Clients that send nothing, for programs that send all requests with an HTTP library of theirs.

A `Machine` decides what to do, with the same store and the same promises as a `Client`; the program
sends its requests. An `Exchange` is one request and the meaning of its answer, without any state.
The page `docs/hosted.md` describes both. Use `Client` unless that is impossible.
"""

from tokenlease._tokenlease import Effect, Exchange, Machine, MachineCall, Meaning, Request

__all__ = ["Effect", "Exchange", "Machine", "MachineCall", "Meaning", "Request"]
