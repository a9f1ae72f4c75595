"""Packages in which curation finds something: near-duplicates, text of a benchmark, personal data."""

from datasets_app.pipeline.benchmark_sets import human_eval
from tests.pipeline.fakes import FakePackage, default_packages
from tests.pipeline.handmade import text

QUESTION = next(body for item, body in human_eval().items if item == "HumanEval/0")
BEST = text("near", 30).decode() + "# ask ada.lovelace@navy.mil about this\n"
BODY = BEST.replace("    return value * 3 ", "    return value * 33333 ").replace("def near_20(", "def renamed_20(")


def curated_packages() -> list[FakePackage]:
    """The default ones; two that hold nearly the same text, and one with text of HumanEval."""
    return [
        *default_packages(),
        FakePackage("delta", "delta/first", "MIT", {"delta/near.py": BEST}),
        FakePackage(
            "epsilon",
            "epsilon/second",
            "Apache-2.0",
            {"epsilon/sub/near.py": BODY, "epsilon/near.py": BODY + "\nEND = 1\n"},
        ),
        FakePackage(
            "zeta",
            "zeta/asked",
            "MIT",
            {"zeta/ask.py": f'import math\n\n\ndef ask():\n    """{QUESTION}"""\n    return math\n'},
        ),
    ]
