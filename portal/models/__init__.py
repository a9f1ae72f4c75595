"""The portal's rows: requests, what was done to prove them, and what happened to them."""

from portal.models.proof import Proof, ProofCheck
from portal.models.request import OptOutRequest, RequestedRepository, RequestEvent

__all__ = ["OptOutRequest", "Proof", "ProofCheck", "RequestEvent", "RequestedRepository"]
