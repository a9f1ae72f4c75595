"""What a check of a proof found out."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Found:
    """The answer of one check, before it is known whether it still counts.

    Attributes:
        outcome: A key of ``portal.proofs.outcomes``.
        account_id: The forge's number of the account that was shown to be the requester's; empty where it was not told.
        by_account: ``forge:number`` of the person's own account that spoke for it.
        evidence: What it was checked against.
    """

    outcome: str
    account_id: str = ""
    by_account: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)
