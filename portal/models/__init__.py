"""The portal's rows: requests, what was done to prove them, what was decided, and what people were told."""

from portal.models.copies import Copy, CopySearch
from portal.models.decision import Appeal, Decision, Enquiry, Objection, TargetDecision
from portal.models.declaration import Declaration
from portal.models.notice import Notice
from portal.models.proof import AccountPin, Proof, ProofCheck
from portal.models.receipt import FeedItem, Receipt, RemovalEvidence, RemovalMarks
from portal.models.request import OptOutRequest, RequestedRepository, RequestEvent

__all__ = [
    "AccountPin",
    "Appeal",
    "Copy",
    "CopySearch",
    "Decision",
    "Declaration",
    "Enquiry",
    "FeedItem",
    "Notice",
    "Objection",
    "OptOutRequest",
    "Proof",
    "ProofCheck",
    "Receipt",
    "RemovalEvidence",
    "RemovalMarks",
    "RequestEvent",
    "RequestedRepository",
    "TargetDecision",
]
