"""Runs a script (the first argument) in four processes at once: `python four_at_once.py SCRIPT`.

One process imports, and its children, which share nothing else, wait for each other before they begin. The script knows
`settings` and the `number` of its process.
"""

import contextlib
import io
import multiprocessing
import os
import sys
from multiprocessing.synchronize import Barrier

from api.database import Database
from api.keys import Actor, Keys
from api.settings import Settings

_KNOWN = {"Database": Database, "Actor": Actor, "Keys": Keys}


def run(number: int, barrier: Barrier) -> None:
    """Run the script as one of four; what it prints comes in one piece."""
    known = {**_KNOWN, "settings": Settings.load(), "number": number}
    barrier.wait()
    with contextlib.redirect_stdout(io.StringIO()) as said:
        exec(sys.argv[1], known)
    os.write(1, said.getvalue().encode())


if __name__ == "__main__":
    together = multiprocessing.get_context("fork")
    barrier = together.Barrier(4)
    processes = [together.Process(target=run, args=(number, barrier)) for number in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    sys.exit(sum(process.exitcode or 0 for process in processes))
