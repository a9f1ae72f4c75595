"""Every change to the zoo. Pages, the API, commands and the floors above call these."""

from modelzoo.services.licences import accept_licence, load_licences, withdraw_acceptance
from modelzoo.services.publishing import publish_checkpoint, tag_revision
from modelzoo.services.withdrawal import withdraw_revision

__all__ = [
    "accept_licence",
    "load_licences",
    "publish_checkpoint",
    "tag_revision",
    "withdraw_acceptance",
    "withdraw_revision",
]
