"""What happens on the data floor, for the floors above."""

from django.dispatch import Signal

release_published = Signal()
"""Sent when the publication is committed. Arguments: ``release``."""

release_withdrawn = Signal()
"""Sent when the withdrawal of a published release is committed. Arguments: ``release``."""

purge_started = Signal()
"""Sent by the purge job when it knows what has to go, before anything is erased; sent again where the job is repeated. Whoever needs
something of what goes takes it now, and a failure stops the purge. Arguments: ``job``, ``blobs`` (ids of what goes), ``windows``
(bytes that stand in them alone)."""

purge_finished = Signal()
"""Sent by the purge job once the published bytes were read again and hold nothing that was removed, before the job ends; it may
be sent again where the job is repeated. Arguments: ``release`` (the newly published one, or None after a withdrawal alone),
``cleared`` (list of ``core.stores.Cleared``), ``blobs`` (how many blobs were removed), ``job``."""
