"""The ground floor's rows: people and their tokens, long work, what happened."""

from core.models.audit import AuditEntry
from core.models.job import Job, JobLogLine, JobMetric
from core.models.journal import JournalLine
from core.models.ledger import (
    LedgerCheckpoint,
    LedgerCosignature,
    LedgerEntry,
    LedgerPending,
    LedgerPlace,
    LedgerTile,
)
from core.models.people import ApiToken, User

__all__ = [
    "ApiToken",
    "AuditEntry",
    "Job",
    "JobLogLine",
    "JobMetric",
    "JournalLine",
    "LedgerCheckpoint",
    "LedgerCosignature",
    "LedgerEntry",
    "LedgerPending",
    "LedgerPlace",
    "LedgerTile",
    "User",
]
