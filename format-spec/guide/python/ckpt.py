"""Checkpoints from Python: a typed face of ckpt-inspect and ckpt-check. Standard library only; copy it where you need it.

    for record in records("image.ckpt"):
        print(record["offset"], record["name"])
    print(image("dump/")["tasks"][0]["pid"])
    print(check("image.ckpt", "v7-neon").verdicts)
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from typing import Any

Path = str | PathLike[str]


class CheckpointError(Exception):
    """The job could not be done; the text is the program's own."""


@dataclass(frozen=True)
class Report:
    """What ckpt-check says of an image."""

    image: str
    verdicts: dict[str, str]
    """Verdict by target: restorable, conditional, unknown, not-restorable."""
    document: dict[str, Any]
    """All of it, as documented: rules, requirements, evidence."""


def _output(process: subprocess.CompletedProcess[str]) -> str:
    # 1 tells of findings or refusals, which the output names; only 2 is failure.
    if process.returncode not in (0, 1):
        raise CheckpointError(process.stderr.strip())
    return process.stdout


def image(path: Path, program: str = "ckpt-inspect") -> dict[str, Any]:
    """The model of an image: tasks, address spaces, files, findings."""
    command = [program, "--json", "--quiet", "--", str(path)]
    return json.loads(_output(subprocess.run(command, capture_output=True, text=True)))


def records(path: Path, program: str = "ckpt-inspect") -> Iterator[dict[str, Any]]:
    """Every record of an image in order, in constant memory."""
    command = [program, "--json-lines", "--quiet", "--", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        for line in process.stdout:
            document = json.loads(line)
            if document["kind"] == "record":
                yield document
        said = process.stderr.read()
    if process.returncode not in (0, 1):
        raise CheckpointError(said.strip())


def check(path: Path, *targets: str, program: str = "ckpt-check") -> Report:
    """Whether the processes of an image would run on each target."""
    command = [program, "--format", "ndjson"]
    for target in targets:
        command += ["--target", target]
    process = subprocess.run([*command, "--", str(path)], capture_output=True, text=True)
    if not process.stdout:
        raise CheckpointError(process.stderr.strip())
    document = json.loads(process.stdout)
    if document["error"] is not None:
        raise CheckpointError(document["error"])
    return Report(document["image"], {t["target"]: t["verdict"] for t in document["targets"]}, document)
