"""The tone in which each state is shown, and its words. A state that is not listed is neutral."""

TONES = {
    "info": {
        "running", "verifying", "submitted", "scheduled", "rebuilding", "building", "training", "publishing", "verified",
        "built", "approved", "awaiting_approval", "triage", "restored", "held", "open", "in_progress", "info",
    },
    "success": {
        "succeeded", "published", "accepted", "removed", "receipted", "active", "ready", "done", "kept", "ok", "live",
        "permissive", "success", "passed",
    },
    "warning": {
        "cancelling", "partial", "needs_info", "objection", "appeal", "masked", "stale", "superseded", "marked", "warning",
        "overdue",
    },
    "danger": {"failed", "rejected", "revoked", "crashed", "danger", "error", "broken"},
}  # fmt: skip
ICONS = {"neutral": "dot", "info": "running", "success": "check", "warning": "warning", "danger": "cross"}
_BY_STATE = {state: tone for tone, states in TONES.items() for state in states}


def tone_of(state: str) -> str:
    """``neutral``, ``info``, ``success``, ``warning`` or ``danger``."""
    return _BY_STATE.get(state.lower().replace("-", "_").replace(" ", "_"), "neutral")


def words_of(state: str) -> str:
    """The state as a person reads it: ``needs_info`` becomes ``Needs info``."""
    words = state.replace("_", " ").strip()
    return words[:1].upper() + words[1:]
