"""What happens in the zoo, for the floors above."""

from django.dispatch import Signal

revision_withdrawn = Signal()
"""Sent when the withdrawal of a revision is committed. Arguments: ``revision``."""
