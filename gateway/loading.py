"""Loading modules and data while callers wait."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def for_good() -> Iterator[None]:
    """What is loaded meanwhile stays, so nobody searches it for garbage, now or later.

    Now, it is searched again and again and costs a sixth of the time; later, each full search goes
    through all of it, and every call waits 0.4 s.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()
