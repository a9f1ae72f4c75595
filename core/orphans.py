"""No process outlives the one that started it. Knows nothing of Django, so that a process can ask for it before all else."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent(parent: int | None = None) -> None:
    """Have the kernel kill this process when its parent ends (Linux; elsewhere a job's claim keeps an orphan from writing).

    Args:
        parent: The process that started this one, where it is known: if it has ended already, so does this one, now.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        sys.exit(f"The process {parent}, which started this one, has ended.")
