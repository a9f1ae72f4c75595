"""Celery's filesystem transport, with messages that appear whole.

kombu's own opens a message under its final name and writes it afterwards. A reader that comes in between takes an empty
file, and its worker ends. Here a message is written under another name first and renamed.
"""

import uuid
from pathlib import Path
from time import monotonic_ns
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    """kombu's, with another way to put."""

    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:
        """Put a message into a queue. Names sort by time, which is the order in which they are taken."""
        path = Path(self.data_folder_out, f"{monotonic_ns() // 1_000_000}_{uuid.uuid4()}.{queue}.msg")
        unfinished = path.with_suffix(".part")  # no queue ends so
        try:
            unfinished.write_text(dumps(payload))
            unfinished.rename(path)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise ChannelError(f"The message {path} cannot be written: {error.strerror}.") from error


class Transport(filesystem.Transport):
    """The transport of these channels."""

    Channel = Channel
