"""Typed readers for the environment: a bad value stops the start with the name of the variable."""

import contextlib
import hashlib
import json
import os
import secrets
from pathlib import Path
from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured

Value = TypeVar("Value", str, int)

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}


def text(name: str, default: str = "") -> str:
    """The variable as it is, or ``default`` where it is not set."""
    return os.environ.get(name, default)


def boolean(name: str, default: bool) -> bool:
    """A yes or no; anything else is refused."""
    raw = os.environ.get(name)
    if raw is None:
        return default
    if raw.strip().lower() in TRUE:
        return True
    if raw.strip().lower() in FALSE:
        return False
    raise ImproperlyConfigured(f"{name}={raw!r} is neither yes nor no: set it to 1 or 0.")


def integer(name: str, default: int, *, least: int = 0) -> int:
    """A whole number of at least ``least``."""
    raw = os.environ.get(name)
    if raw is None or raw == "":
        return default
    try:
        value = int(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={raw!r} is not a whole number.") from None
    if value < least:
        raise ImproperlyConfigured(f"{name}={value} is below the least allowed value, {least}.")
    return value


def words(name: str, default: str = "") -> list[str]:
    """A list separated by commas; blanks are dropped."""
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def some_of(name: str, default: str, allowed: tuple[str, ...]) -> list[str]:
    """A list separated by commas, all of it allowed words."""
    found = words(name, default)
    if wrong := [word for word in found if word not in allowed]:
        raise ImproperlyConfigured(f"{name} has {', '.join(wrong)}, which is not one of {', '.join(allowed)}.")
    return found


def folder(name: str, default: Path) -> Path:
    """An absolute path."""
    raw = os.environ.get(name)
    return Path(raw).expanduser().resolve() if raw else default


def one_of(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """One of the allowed words."""
    value = os.environ.get(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name}={value!r} is not one of {', '.join(allowed)}.")
    return value


def table(name: str, default: dict[str, Value], kind: type[Value]) -> dict[str, Value]:
    """A JSON object whose values are all of one kind, such as ``{"github.com": "https://…"}`` or ``{"triage": 7}``."""
    raw = os.environ.get(name)
    if not raw:
        return default
    try:
        value = json.loads(raw)
    except json.JSONDecodeError as error:
        raise ImproperlyConfigured(f"{name} is not JSON: {error}.") from None
    if not isinstance(value, dict) or not all(type(item) is kind for item in value.values()):
        raise ImproperlyConfigured(f"{name} must be a JSON object whose values are all {kind.__name__}.")
    return value


def secret(name: str, keys: Path, *, deployed: bool) -> str:
    """A secret from the environment; on a single machine, from a file of ours that is made on first use.

    The file lies in ``keys`` (mode 0700), which is neither in the repository nor in the data folder. A deployment
    must set the variable: its processes may not share a disk.
    """
    value = os.environ.get(name)
    if value:
        if len(value) < 32:
            raise ImproperlyConfigured(f"{name} is shorter than 32 characters: make one with `openssl rand -hex 32`.")
        return value
    if deployed:
        raise ImproperlyConfigured(f"{name} is not set: a deployment needs it (make one with `openssl rand -hex 32`).")
    path = keys / name.lower()
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Written under a name of its own and linked when it is whole: another process that starts now reads all of it or makes its own.
    own = keys / f".{path.name}.{os.getpid()}"
    with os.fdopen(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(secrets.token_hex(32))
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(own)
    own.unlink()
    return path.read_text().strip()


def journal(keys: Path, data: Path, *, alone: bool) -> Path:
    """Where the journal of a data folder lies by default. Several data folders that are tried out with the same keys have one each.

    Args:
        keys: The folder of the keys.
        data: The data folder.
        alone: Whether no other data folder goes with these keys.
    """
    return keys / ("journal" if alone else f"journal-{hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:12]}")
