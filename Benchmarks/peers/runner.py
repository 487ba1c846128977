"""A trainer in a process of its own, which times a slice of steps whenever it is its turn, and is stopped meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from contextlib import suppress
from typing import Any

from worker import WorkerError, ending


class Runner:
    """Starts a process and waits until it is warm. It answers every line that it reads with a line of JSON."""

    def __init__(self, command: list[str], variables: dict[str, str]) -> None:
        self._command = command
        self._errors = tempfile.TemporaryFile("w+")
        # A group of its own, so that all its threads and processes are stopped together; of this session, so that the
        # system ends it if this program is killed.
        self._process = subprocess.Popen(
            command, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True,
            process_group=0,
        )
        try:
            self.facts = self._answer()
            """What its first line says."""
            self._signal(signal.SIGSTOP)
        except BaseException:
            self.end()
            raise

    def slice(self) -> dict[str, Any]:
        """Times a slice, with the machine for itself."""
        assert self._process.stdin
        self._signal(signal.SIGCONT)
        # A process that has ended gives no answer either.
        with suppress(BrokenPipeError):
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        answer = self._answer()
        self._signal(signal.SIGSTOP)
        return answer

    @property
    def process(self) -> int:
        """The number of the process."""
        return self._process.pid

    def end(self) -> None:
        """Ends the process, if it has not ended."""
        self._kill()
        self._process.communicate()
        self._errors.close()

    def _kill(self) -> None:
        # Before it has been waited for, its number is nobody else's.
        if self._process.returncode is None:
            self._signal(signal.SIGKILL)
            self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        os.killpg(self._process.pid, number)

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        try:
            answer: dict[str, Any] = json.loads(self._process.stdout.readline())
            return answer
        except json.JSONDecodeError:
            self._kill()
            self._errors.seek(0)
            raise WorkerError(ending(self._command, "gave no answer", self._errors.read())) from None
