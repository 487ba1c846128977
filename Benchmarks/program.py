"""The gradloom program, as benchmarks run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path


class Program:
    """The program in a directory, without what the environment says of BLAS."""

    def __init__(self, path: Path, directory: Path):
        self.path, self.directory = path.resolve(), directory
        directory.mkdir(parents=True, exist_ok=True)
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("OPENBLAS_")}

    def run(self, *arguments: str, before: Callable[[], None] | None = None) -> dict:
        """The last line that the program prints with --json."""
        result = subprocess.run(
            [self.path, *arguments, "--json"], cwd=self.directory, env=self.environment, capture_output=True, text=True,
            preexec_fn=before)
        if result.returncode != 0:
            sys.exit(f"{' '.join(arguments)}: {result.stderr}")
        return json.loads(result.stdout.splitlines()[-1])

    def train(self, text: str, *settings: str, before: Callable[[], None] | None = None) -> dict:
        (self.directory / "c.yaml").write_text(text)
        overrides = [word for setting in settings for word in ("--set", setting)]
        return self.run("train", "c.yaml", "--quiet", *overrides, before=before)
