"""Forked processes that differ in nothing but what each does after the fork.

Two processes that run the same code cost up to 3 % more or less, for as long as they live: by the addresses they were loaded at, by the
order in which everything was allocated, by the seed of their hashes. Two that are forked from one share all of these.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO


class Twin:
    """A child that runs `serve(questions, answers)`: it answers a line for a line, and one when it is ready.

    To be made before there is any thread. It ends where its parent does.
    """

    def __init__(self, serve: Callable[[TextIO, TextIO], None]) -> None:
        asked, ask = os.pipe()
        hear, answered = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(ask)
            os.close(hear)
            # Nobody but the parent may hold the stream that answers go to: it would not be seen to end.
            os.dup2(2, 1)
            _run(serve, os.fdopen(asked), os.fdopen(answered, "w", buffering=1))
        os.close(asked)
        os.close(answered)
        self._ask, self._hear = os.fdopen(ask, "w", buffering=1), os.fdopen(hear)

    def ask(self, line: str) -> str:
        """Its answer to one line."""
        try:
            self._ask.write(line)
        except BrokenPipeError:
            pass
        return self.answer()

    def answer(self) -> str:
        """Its next line. Exits as the child did where there is none."""
        line = self._hear.readline()
        if not line:
            code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
            sys.exit(f"ended by signal {-code}" if code < 0 else code or 1)
        return line


def _run(serve: Callable[[TextIO, TextIO], None], questions: TextIO, answers: TextIO) -> None:
    code = 1
    try:
        serve(questions, answers)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        # Whatever exporters of peers still wait for at their exit is of no interest.
        os._exit(code)
