"""The metrics of a run as a file: one JSON object a line."""

from __future__ import annotations

import json
from pathlib import Path

from .durable import TEMPORARY, writing


class MetricsFile:
    """Appends to ``metrics.jsonl``. Lines past the step that a run goes on from are dropped: they come again."""

    def __init__(self, path: Path, resumed_from: int | None) -> None:
        self._path = path
        with writing(f"{path}: the metrics"):
            kept = [line for line in self._lines() if resumed_from is not None and line["step"] <= resumed_from]
            temporary = path.with_name(f"{TEMPORARY}{path.name}")
            temporary.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
            temporary.replace(path)

    def add(self, step: int, values: dict[str, float]) -> None:
        """Append the values of a step.

        Raises:
            CannotWrite: The disk is full or refuses.
        """
        with writing(f"{self._path}: the metrics"), self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step} | values) + "\n")

    def _lines(self) -> list[dict[str, float]]:
        if not self._path.exists():
            return []
        lines = []
        for text in self._path.read_text(encoding="utf-8").splitlines():
            try:
                lines.append(json.loads(text))
            except ValueError:  # the last line of a process that was killed while it wrote
                continue
        return lines
