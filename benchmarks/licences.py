"""How often the licence files of real packages are read as their authors declared them.

    .venv/bin/python benchmarks/licences.py --quick

Wheels are downloaded by pip (nothing is run) into a folder, or taken from one that has them. Declared is what the metadata
says in one voice: License-Expression; else the one licence of the classifiers; else the field License, where it is a name.
Read are the licence files on the top floor of the wheel's dist-info, as :mod:`datasets_app.pipeline.licence_files` reads them,
without the metadata. Right means equivalent SPDX expressions; ``-only`` and ``-or-later`` count as one, since the text of a
GPL does not say which. Every difference is printed: most are packages that declare their bundled parts too.

The rules were written while looking at the packages of ``SEEN``. ``UNSEEN`` was added afterwards and nothing was changed for it.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from license_expression import get_spdx_licensing

from datasets_app.pipeline import licence_files, licences

SEEN = """
    absl-py accelerate aiohttp aiosignal alabaster alembic altair amqp annotated-types anthropic anyio apscheduler
    argon2-cffi argon2-cffi-bindings arrow asgiref astroid asttokens astunparse async-timeout attrs automat babel backoff
    bcrypt beautifulsoup4 behave betamax billiard bitarray bitstring black bleach blinker bokeh boltons boto3 botocore
    bottle brotli build cachetools capstone cattrs celery certifi cffi cfgv chardet charset-normalizer cheroot cherrypy
    click cloudpickle colorama constantly construct contourpy coverage cryptography cssselect cssselect2 cycler cython
    cytoolz dask dataclasses-json datasets ddt debugpy decorator deepdiff defusedxml dictdiffer dill distlib distributed
    django django-cors-headers django-filter djangorestframework dnspython docker docutils dulwich elastic-transport
    elasticsearch email-validator emoji environs et-xmlfile evaluate executing fabric factory-boy faker falcon fastapi
    fastjsonschema filelock filetype flake8 flask flit-core fonttools freezegun frozenlist fsspec ftfy gast genson geopy
    gevent ghp-import gitdb gitpython google-api-core google-auth googleapis-common-protos greenlet grpcio-status gunicorn
    h11 h5py hatch-vcs hatchling hf-xet html5lib httpcore httptools httpx huggingface-hub humanize hyperlink hypothesis id
    identify idna imagesize immutables importlib-metadata incremental inflect inflection iniconfig intervaltree invoke
    ipaddress ipykernel ipython isort itsdangerous jaraco.classes jaraco.context jaraco.functools jedi jeepney jinja2
    jmespath joblib jsonpatch jsonpath-ng jsonpointer jsonschema jsonschema-specifications jupyter-client jupyter-core
    kafka-python keyring kiwisolver kombu kubernetes lark ldap3 llvmlite locket loguru lxml lz4 mako markdown
    markdown-it-py markupsafe marshmallow matplotlib-inline maturin mccabe mdurl mergedeep meson-python mistune mkdocs
    mkdocs-material ml-dtypes mock mongoengine more-itertools moto mpmath msgpack multidict mypy mypy-extensions narwhals
    natsort nbconvert nbformat netaddr networkx nh3 nltk nodeenv nose2 notebook nox numba numpy oauthlib openai openpyxl
    opentelemetry-api opentelemetry-sdk opt-einsum orderly-set orjson outcome packaging pandas parameterized paramiko
    parse parse-type parsimonious parso partd passlib pathspec patsy pdfminer.six pdm-backend peewee pefile peft pendulum
    pexpect phonenumbers pika pillow pip pkginfo platformdirs plotly pluggy ply poetry-core pony portalocker portend praw
    pre-commit prettytable prometheus-client prompt-toolkit protobuf psutil psycopg psycopg2-binary ptyprocess pure-eval
    pyarrow-hotfix pyasn1 pyasn1-modules pybind11 pycodestyle pycountry pycparser pycryptodome pydantic pydantic-core
    pyelftools pyflakes pygit2 pygments pyinotify pyjwt pylint pymdown-extensions pymongo pynacl pyopenssl pyparsing pypdf
    pyproj pyproject-hooks pyramid pyrsistent pyserial pysocks pytest pytest-cov python-dateutil python-docx python-dotenv
    python-jose python-magic python-multipart python-pptx python-slugify pytz pyusb pyyaml pyzmq readme-renderer redis
    referencing regex reportlab requests requests-oauthlib responses retrying rfc3986 rich robotframework rouge-score
    rpds-py rsa ruamel.yaml s3fs s3transfer sacrebleu safetensors scapy schedule seaborn secretstorage selenium sentry-sdk
    setuptools setuptools-scm sh shapely shellingham simplejson six slack-sdk smmap sniffio snowballstemmer
    sortedcollections sortedcontainers soupsieve sphinx sphinxcontrib-applehelp sphinxcontrib-htmlhelp sqlalchemy sqlparse
    stack-data starlette statsmodels stringcase stripe structlog sympy tabulate tblib tempora tenacity
    tensorboard-data-server termcolor text-unidecode textdistance textx threadpoolctl tiktoken tinycss2 toml tomli tomli-w
    tomlkit toolz tornado tox tqdm traitlets trio trio-websocket trove-classifiers tweepy twilio twine twisted typer
    typing-extensions ujson unidecode unittest-xml-reporting urllib3 uvicorn uvloop vcrpy vine virtualenv watchdog
    watchfiles wcwidth weasyprint webencodings websocket-client websockets werkzeug werkzeug-utils wheel whitenoise wrapt
    wsproto xarray xlrd xlsxwriter xxhash yarl zict zipfile-deflate64 zipp zope.event zope.interface zopfli zstandard
"""
UNSEEN = """
    aiobotocore aiodns aiofiles aioitertools aiosqlite annotated-doc argcomplete asn1crypto asyncpg awscli azure-common
    azure-core azure-identity azure-storage-blob backports.tarfile cachecontrol cleo comm crashtest distro exceptiongroup
    execnet fastavro flask-cors flask-sqlalchemy gitlint google-api-python-client google-auth-httplib2
    google-auth-oauthlib google-cloud-bigquery google-cloud-core google-cloud-storage google-resumable-media graphviz
    grpcio httplib2 httpx-sse isodate jiter jupyterlab-pygments langchain-core lazy-object-proxy mcp msal msal-extensions
    msrest nbclient oscrypto pandocfilters poetry proto-plus pycares pydot pymysql pyproject-api pytest-asyncio
    pytest-mock pytest-xdist python-json-logger requests-file requests-toolbelt ruff scikit-learn semver
    snowflake-connector-python sqlmodel terminado types-python-dateutil types-pyyaml types-requests typing-inspect
    typing-inspection tzdata tzlocal uritemplate uv wtforms
"""
AT_ONCE = 8  # packages a call of pip; a call with one that has no wheel gives none, and is then made one by one


@dataclass(frozen=True)
class Reading:
    """One package: what it declares and where, what its licence files were read as, and their names."""

    package: str
    source: str
    declared: str
    read: str | None
    files: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether both mean the same."""
        one, other = _either_version(self.declared), _either_version(self.read or "")
        return bool(other) and get_spdx_licensing().is_equivalent(one, other)

    @property
    def permissive_right(self) -> bool:
        """Whether both lead to the same decision."""
        return licences.is_permissive(self.declared) == licences.is_permissive(self.read)


def _either_version(expression: str) -> str:
    return re.sub(r"-(?:only|or-later)\b", "-only", expression)


def fold(name: str) -> str:
    """A package's name as wheels spell it."""
    return re.sub(r"[-_.]+", "_", name).lower()


def download(names: list[str], folder: Path) -> None:
    """Download the wheels of these packages that the folder does not hold."""
    held = {fold(path.name.split("-")[0]) for path in folder.glob("*.whl")}
    todo = [name for name in names if fold(name) not in held]
    pip = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--disable-pip-version-check",
    ]
    for at in range(0, len(todo), AT_ONCE):
        group = todo[at : at + AT_ONCE]
        if subprocess.run([*pip, "-d", str(folder), *group], check=False, capture_output=True).returncode:
            for name in group:
                subprocess.run([*pip, "-d", str(folder), name], check=False, capture_output=True)


def declared(metadata: object) -> tuple[str, str] | None:
    """The licence that the metadata declares in one voice, and where; None if it does not."""
    get, get_all = metadata.get, metadata.get_all  # type: ignore[attr-defined]
    if text := get("License-Expression"):
        found = licences.from_expression(str(text))
        return (found, "License-Expression") if found else None
    found = licences.from_classifiers([str(entry) for entry in get_all("Classifier", [])])
    if found:
        return None if " AND " in found else (found, "classifier")
    found = licences.from_name(str(get("License") or ""))
    return (found, "License") if found else None


def read(wheel: Path) -> Reading | None:
    """Read one wheel; None if it declares no licence or has no licence file."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        folder = next(name for name in names if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)).partition("/")[0]
        said = declared(HeaderParser().parsestr(archive.read(f"{folder}/METADATA").decode("utf-8", errors="replace")))
        files = [
            (name.rpartition("/")[2], archive.read(name).decode("utf-8", errors="replace"))
            for name in names
            if re.fullmatch(rf"{re.escape(folder)}/(?:licenses/)?[^/]+", name)
            and licence_files.is_licence_file(name.rpartition("/")[2])
        ]
    if said is None or not files:
        return None
    listed = tuple(name for name, _ in files)
    return Reading(wheel.name.split("-")[0], said[1], said[0], licence_files.of_files(files), listed)


def share(readings: list[Reading]) -> float:
    """The share of these that is right."""
    return round(sum(reading.right for reading in readings) / max(len(readings), 1), 4)


def measure(folder: Path, names: list[str]) -> dict[str, float]:
    """Read the wheels of these packages in the folder, print every difference, and give the figures."""
    wanted, unseen = {fold(name) for name in names}, {fold(name) for name in UNSEEN.split()}
    wheels = {fold(path.name.split("-")[0]): path for path in sorted(folder.glob("*.whl"))}
    readings = [found for name in sorted(wanted & wheels.keys()) if (found := read(wheels[name]))]
    print(f"{'package':<22}{'declared':<56}{'read':<36}files")
    for reading in readings:
        if not reading.right:
            print(f"{reading.package:<22}{reading.declared:<56}{reading.read or '-':<36}{', '.join(reading.files)}")
    by_source = Counter(reading.source for reading in readings)
    print("\ndeclared by:", ", ".join(f"{source} {count}" for source, count in by_source.most_common()))
    exact = [reading for reading in readings if reading.source == "License-Expression"]
    fresh = [reading for reading in readings if fold(reading.package) in unseen]
    return {
        "licence_files_right": share(readings),
        "licence_files_right_of_expressions": share(exact),
        "licence_files_right_unseen": share(fresh),
        "permissive_right": round(sum(reading.permissive_right for reading in readings) / max(len(readings), 1), 4),
        "packages": len(readings),
        "packages_with_expression": len(exact),
        "packages_unseen": len(fresh),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="every second package, about 200 that declare a licence")
    parser.add_argument("--folder", type=Path, help="a folder of wheels, kept; what it lacks is downloaded into it")
    options = parser.parse_args()
    names = sorted({*SEEN.split(), *UNSEEN.split()})[:: 2 if options.quick else 1]
    with tempfile.TemporaryDirectory(prefix="fairstack-licences-") as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        download(names, folder)
        figures = measure(folder, names)
    print()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
