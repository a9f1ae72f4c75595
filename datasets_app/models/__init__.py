"""The rows of the data floor: where code comes from, what releases hold of it, and what may not be held."""

from datasets_app.models.blocking import BlockEntry, ContentMask, Mask
from datasets_app.models.catalogue import FormerLogin, Owner, Repository, Source
from datasets_app.models.release import Holding, Release, ReleaseApproval
from datasets_app.models.undo import UndoBundle

__all__ = [
    "BlockEntry",
    "ContentMask",
    "FormerLogin",
    "Holding",
    "Mask",
    "Owner",
    "Release",
    "ReleaseApproval",
    "Repository",
    "Source",
    "UndoBundle",
]
