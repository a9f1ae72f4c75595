"""What a receipt says, for its page and the API: figures without the proofs."""

import json
from typing import Any

from portal.models import Receipt


def summary(receipt: Receipt) -> dict[str, Any]:
    """Scope, dates, releases, counts, stores and models, as the signed file has them."""
    said = json.loads(receipt.file)["receipt"]
    releases = said["releases"]
    return {
        "reference": said["reference"],
        "scope": said["scope"],
        "proofs": said["proofs"],
        "dates": said["dates"],
        "before": [
            {"name": one["name"], "version": one["version"], "root": one["tree"]["root"], "rows": one["tree"]["size"]}
            | one["files"]
            for one in releases["before"]
        ],
        "after": [
            {"name": one["name"], "version": one["version"], "root": one["tree"]["root"], "rows": one["tree"]["size"]}
            for one in releases["after"]
        ],
        "removed": said["removed"],
        "remains": said["remains"] | {"blobs": len(said["remains"]["blobs"])},
        "cleared": said["cleared"],
        "check": said["check"],
        "models": said["models"],
        "next_training": said["next_training"],
        "ledger": {
            "entry": said["ledger"]["acceptance"]["index"],
            "size": receipt.ledger_size,
            "checkpoint": said["ledger"]["checkpoint"],
        },
    }
