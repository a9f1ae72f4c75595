"""``python -m core.probe URL``: ends with 0 where the address answers 200, else with 1. For health checks in images without curl."""

import sys
import urllib.error
import urllib.request

TIMEOUT = 4.0  # seconds


def answers(url: str) -> bool:
    """Whether ``url`` (http or https) answers 200 in time."""
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"{url} is no web address.")
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(0 if answers(sys.argv[1]) else 1)
