"""The states of a release, as data."""

from core.states import Machine

RELEASE_STATES = [
    ("building", "building"),
    ("built", "built"),
    ("failed", "failed"),
    ("published", "published"),
    ("rejected", "rejected"),
    ("withdrawn", "withdrawn"),
]

RELEASE = Machine(
    "The release",
    {
        "building": frozenset({"built", "failed"}),
        "failed": frozenset({"building"}),
        "built": frozenset({"published", "rejected"}),
        "published": frozenset({"withdrawn"}),
        "rejected": frozenset(),
        "withdrawn": frozenset(),
    },
)
