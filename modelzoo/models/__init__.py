"""The zoo's rows: models with their immutable revisions, the licences they stand under, how often they were downloaded."""

from modelzoo.models.downloads import DownloadCount
from modelzoo.models.licences import LicenceAcceptance, LicenceTerms
from modelzoo.models.zoo import Ref, Revision, RevisionFile, ZooModel

__all__ = ["DownloadCount", "LicenceAcceptance", "LicenceTerms", "Ref", "Revision", "RevisionFile", "ZooModel"]
