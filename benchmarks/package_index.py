"""Finding and fetching source archives through the package index that this Python's pip is set up to use.

Nothing of a package is ever run: pip itself would run a source archive's build code to learn its dependencies, so its
configuration is asked for the index alone, and the index is read directly (PEP 503 as HTML, PEP 691 as JSON).
"""

import ast
import base64
import hashlib
import html.parser
import json
import ssl
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
TIMEOUT = 180  # seconds without a byte


class NotOnIndex(Exception):
    """The index has no such file, or another one under its name."""


@dataclass(frozen=True)
class Archive:
    """A file of a project as its index lists it; ``sha256`` is empty where the index does not say."""

    filename: str
    url: str
    sha256: str


def pip_settings() -> dict[str, str]:
    """pip's own settings by name (``index-url``, ``cert``, ...), of environment, user and site, as pip ranks them."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    by_section: dict[str, dict[str, str]] = {"global": {}, "download": {}, ":env:": {}}
    for line in printed.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.partition(".")
        if section in by_section:
            by_section[section][name] = ast.literal_eval(value)
    return by_section["global"] | by_section["download"] | by_section[":env:"]


class PackageIndex:
    """The indexes that pip would ask, in its order: ``index-url``, then those of ``extra-index-url`` on the web."""

    def __init__(self) -> None:
        from pip._internal.models.index import PyPI  # pip's default where nothing is set

        settings = pip_settings()
        extra = settings.get("extra-index-url", "").split()
        urls = [settings.get("index-url", PyPI.simple_url), *(url for url in extra if url.startswith("http"))]
        self._urls = [url.rstrip("/") for url in urls]
        context = ssl.create_default_context(cafile=settings.get("cert"))
        handlers: list[urllib.request.BaseHandler] = [urllib.request.HTTPSHandler(context=context)]
        if proxy := settings.get("proxy"):
            handlers.append(urllib.request.ProxyHandler({"http": proxy, "https": proxy}))
        self._opener = urllib.request.build_opener(*handlers)

    def archives(self, project: str) -> list[Archive]:
        """All files of a project.

        Raises:
            NotOnIndex: No index has the project.
        """
        for index in self._urls:
            url = f"{index}/{project}/"
            try:
                with self._open(url) as answer:
                    body, base = answer.read(), answer.url
                    as_json = answer.headers.get_content_type().endswith("+json")
            except urllib.error.HTTPError as error:
                if error.code == 404:
                    continue
                raise
            return _from_json(body, base) if as_json else _from_html(body, base)
        raise NotOnIndex(f"The package index has no project {project!r}. Check pip's index-url (`pip config list`).")

    def fetch(self, archive: Archive, target: Path, sha256: str) -> None:
        """Write a file to ``target``, which appears only once its SHA-256 (hex) is found to be right.

        Raises:
            NotOnIndex: Its bytes are others than those asked for.
        """
        part = target.with_name(f"{target.name}.part")
        digest = hashlib.sha256()
        with self._open(archive.url) as answer, part.open("wb") as out:
            while block := answer.read(1 << 20):
                digest.update(block)
                out.write(block)
        if digest.hexdigest() != sha256:
            part.unlink()
            raise NotOnIndex(f"{archive.filename} has the SHA-256 {digest.hexdigest()}, not {sha256}.")
        part.rename(target)

    def _open(self, url: str):
        parts = urllib.parse.urlsplit(url)
        headers = {"Accept": ACCEPT, "User-Agent": "fairstack-benchmarks"}
        if parts.username is not None:
            user = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
            headers["Authorization"] = "Basic " + base64.b64encode(user.encode()).decode()
            url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        return self._opener.open(urllib.request.Request(url, headers=headers), timeout=TIMEOUT)


def _from_json(body: bytes, base: str) -> list[Archive]:
    return [
        Archive(file["filename"], urllib.parse.urljoin(base, file["url"]), file["hashes"].get("sha256", ""))
        for file in json.loads(body)["files"]
    ]


def _from_html(body: bytes, base: str) -> list[Archive]:
    found: list[Archive] = []

    class Links(html.parser.HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag == "a" and (href := dict(attrs).get("href")):
                url, _, fragment = urllib.parse.urljoin(base, href).partition("#")
                name = urllib.parse.unquote(url.rpartition("/")[2])
                found.append(Archive(name, url, fragment.removeprefix("sha256=") if "sha256=" in fragment else ""))

    Links().feed(body.decode())
    return found
