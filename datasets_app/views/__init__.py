"""Pages below ``/releases/``."""
