"""Benchmarks that a release may be decontaminated from: HumanEval, which is shipped, and those that staff add as files.

A file is never replaced: releases name benchmarks, and a name is to mean the same text tomorrow.
"""

from dataclasses import dataclass

from django.db import transaction

from core import audit
from core.errors import Conflict, InvalidInput
from core.permissions import Actor, require
from datasets_app import purging
from datasets_app.pipeline import atomic, benchmark_sets, needs
from datasets_app.pipeline.benchmark_sets import Benchmark
from datasets_app.pipeline.errors import PipelineError

BUILD = "datasets_app.build_release"
MOST_BYTES = 50_000_000  # of a file; the largest in common use (APPS, its solutions among them) has some 30 MB


@dataclass(frozen=True)
class Listed:
    """A benchmark in a list.

    Attributes:
        items, texts: How many it has; an item may have several texts.
        digest: SHA-256 of name and texts, in hex.
        shipped: Whether it comes with this program.
        problem: Why its file cannot be used; empty where it can.
    """

    name: str
    items: int = 0
    texts: int = 0
    digest: str = ""
    shipped: bool = False
    problem: str = ""


def names() -> list[str]:
    """Every benchmark by name, the shipped one first."""
    folder = needs.benchmark_file(purging.corpus_folder(), "any").parent
    return [
        needs.HUMAN_EVAL,
        *sorted(path.stem for path in folder.glob("[!.]*.jsonl") if path.stem != needs.HUMAN_EVAL),
    ]


def listed() -> list[Listed]:
    """Every benchmark with its figures. One whose file is damaged says so and hides no other."""
    rows = []
    for name in names():
        try:
            rows.append(_figures(needs.benchmark(purging.corpus_folder(), name)))
        except PipelineError as error:
            rows.append(Listed(name, problem=str(error)))
    return rows


def add(actor: Actor, data: bytes) -> tuple[Listed, bool]:
    """Add a benchmark from the bytes of its file; its first line names it. Says whether it is new.

    The same content under the same name again changes nothing.

    Raises:
        PermissionDenied: The actor may not build releases.
        InvalidInput: The file is too large, or a line is not as it should be; the message names the line.
        Conflict: There is a benchmark of this name already, with other content.
    """
    require(actor, BUILD)
    if len(data) > MOST_BYTES:
        raise InvalidInput(f"The file has {len(data):,} bytes; a benchmark may have {MOST_BYTES:,}.", "file")
    try:
        found = benchmark_sets.parse(data, "the file")
    except PipelineError as error:
        raise InvalidInput(str(error), "file") from error
    if found.name == needs.HUMAN_EVAL:
        raise Conflict("HumanEval comes with this program and cannot be replaced. Give yours another name.")
    path = needs.benchmark_file(purging.corpus_folder(), found.name)
    with transaction.atomic():
        audit.record_named(actor, "add benchmark", "datasets_app.benchmark", found.name, digest=found.digest)
        if atomic.write_new(path, data):
            return _figures(found), True
        transaction.set_rollback(True)  # nothing was added, so nothing is told
    if benchmark_sets.load(path) != found:
        raise Conflict(
            f"There is a benchmark “{found.name}” already, with other texts. Releases name it, so it is not replaced: "
            "give this one another name."
        )
    return _figures(found), False


def check_names(chosen: tuple[str, ...]) -> None:
    """Check that benchmarks can be looked for.

    Raises:
        InvalidInput: Names the one that is not there or cannot be read.
    """
    for name in chosen:
        try:
            if name not in names():
                raise InvalidInput(f"There is no benchmark “{name}”. There are: {', '.join(names())}.", "benchmarks")
            needs.benchmark(purging.corpus_folder(), name)
        except PipelineError as error:
            raise InvalidInput(str(error), "benchmarks") from error


def _figures(one: Benchmark) -> Listed:
    return Listed(
        one.name,
        items=len({item for item, _ in one.items}),
        texts=len(one.items),
        digest=one.digest,
        shipped=one.name == needs.HUMAN_EVAL,
    )
