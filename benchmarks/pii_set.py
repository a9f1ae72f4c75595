"""A planted set: real files of the installed packages with made-up personal data and look-alikes in known places.

What is planted comes from generators of this file and from Faker. The pipeline's patterns and limits were set on real files
before, all but one: that keys without quotes are found at all was added after a first run (F1 of keys .93 before).
Look-alikes (hashes, versions, UUIDs, example addresses, ordinary long names) are planted too, and a file holds some of them
by chance. Secrets of every plugin of detect-secrets 1.5.0 are planted; those of KeywordDetector and BasicAuthDetector are
passwords, those of IPPublicDetector addresses, all others keys.

The real files are taken as they are, except that no file with an ``@`` between letters and a dot behind it, four dotted numbers
or three groups of an IPv6 address is taken: whether such a thing is anybody's cannot be known, and their look-alikes are planted
instead. Secrets that real files hold are not known either, so any that is found counts as wrong: precision is a lower bound.
"""

import base64
import json
import random
import re
import string
import sysconfig
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faker import Faker

SUFFIXES = (
    *(".py", ".pyi", ".js", ".json", ".md", ".txt", ".toml", ".cfg", ".ini", ".yaml", ".yml"),
    *(".h", ".c", ".cpp", ".html", ".css", ".rst", ".sh", ".f90", ".tcl"),
)
LARGEST = 100_000  # bytes of a real file

Make = Callable[[random.Random], str]
_LOWER, _UPPER, _DIGITS = string.ascii_lowercase, string.ascii_uppercase, string.digits
_WORD = string.ascii_letters + _DIGITS
_UNKNOWN = re.compile(
    rb"[\w]@[\w-]+\.\w|\d\.\d{1,3}\.\d{1,3}\.\d|[0-9a-f]{1,4}:[0-9a-f]{1,4}:[0-9a-f:]|[0-9a-f]{4}::", re.I
)


@dataclass(frozen=True)
class Planted:
    """One file of the set: its text and (start, end, kind) in bytes of everything that was planted and is to be found."""

    content: bytes
    spans: tuple[tuple[int, int, str], ...]


def real_files(count: int, seed: int) -> list[bytes]:
    """Texts of the installed packages, drawn at random."""
    paths = sorted(path for path in Path(sysconfig.get_paths()["purelib"]).rglob("*") if path.suffix in SUFFIXES)
    random.Random(seed).shuffle(paths)
    found: list[bytes] = []
    for path in paths:
        if len(found) == count:
            break
        content = path.read_bytes()
        try:
            content.decode()
        except UnicodeDecodeError:
            continue
        if 0 < len(content) <= LARGEST and b"\0" not in content:
            found.append(content)
    return found


def _of(alphabet: str, size: int) -> Make:
    return lambda source: "".join(source.choices(alphabet, k=size))


def _joined(*parts: str | Make) -> Make:
    return lambda source: "".join(part if isinstance(part, str) else part(source) for part in parts)


def _token(source: random.Random) -> str:
    head, body = ({"alg": "HS256", "typ": "JWT"}, {"sub": str(source.randrange(10**9)), "iat": source.randrange(10**9)})
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (head, body)]
    return ".".join([*parts, _of(_WORD + "-_", 43)(source)])


def _private_key(source: random.Random) -> str:
    kind = source.choice(["RSA ", "EC ", "DSA ", "OPENSSH ", ""])
    lines = "\n".join(_of(_WORD + "+/", 64)(source) for _ in range(source.randrange(4, 14)))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{lines}\n-----END {kind}PRIVATE KEY-----"


_HEX = "0123456789abcdef"

# For each plugin: the line in which it finds a secret ({} is the secret), and the secret.
OF_PLUGINS: dict[str, list[tuple[str, Make]]] = {
    "ArtifactoryDetector": [
        ('artifactory = "{}"', _joined("AKC", _of(_WORD, 60))),
        ("pw: {}", _joined("AP5", _of(_WORD, 40))),
    ],
    "AWSKeyDetector": [
        ("aws_access_key_id = '{}'", _joined("AKIA", _of(_UPPER + _DIGITS, 16))),
        ('aws_secret_access_key = "{}"', _of(_WORD + "/+", 40)),
    ],
    "AzureStorageKeyDetector": [
        ('cs = "DefaultEndpointsProtocol=https;AccountKey={};"', _joined(_of(_WORD + "+/", 86), "==")),
    ],
    "Base64HighEntropyString": [
        ('"auth_token": "{}",', _of(_WORD + "+/", 48)),
        ("SECRET_KEY = '{}'", _of(_WORD + "-_", 50)),
    ],
    "BasicAuthDetector": [("DATABASE_URL = 'postgres://svc_app:{}@db7.intra-net.io/main'", _of(_WORD, 14))],
    "CloudantDetector": [('cloudant_password = "{}"', _of(_HEX, 64)), ("cl_key={}", _of(_LOWER, 24))],
    "DiscordBotTokenDetector": [
        ("client.run('{}')", _joined("M", _of(_WORD, 23), ".", _of(_WORD, 6), ".", _of(_WORD + "-_", 27))),
    ],
    "GitHubTokenDetector": [
        ("curl -H 'Authorization: token {}'", lambda r: r.choice(["ghp_", "gho_", "ghs_"]) + _of(_WORD, 36)(r)),
    ],
    "GitLabTokenDetector": [("PRIVATE-TOKEN: {}", _joined("glpat-", _of(_WORD, 20)))],
    "HexHighEntropyString": [('api_key = "{}"', _of(_HEX, 32)), ("client_secret: '{}'", _of(_HEX, 40))],
    "IbmCloudIamDetector": [("ibm_cloud_iam_api_key = {}", _of(_WORD + "-_", 44))],
    "IbmCosHmacDetector": [("cos_hmac_secret_access_key: {}", _of(_HEX, 48))],
    "IPPublicDetector": [
        (
            "server_ip = '{}'",
            lambda r: f"{r.choice([5, 45, 77, 91, 134])}.{r.randrange(30, 250)}.7.{r.randrange(21, 250)}",
        )
    ],
    "JwtTokenDetector": [("Authorization: Bearer {}", _token), ('token = "{}"', _token)],
    "KeywordDetector": [('db_password = "{}"', _of(_WORD + "!$#", 12))],
    "MailchimpDetector": [("mailchimp.init('{}')", _joined(_of(_HEX, 32), "-us", _of("123456789", 1)))],
    "NpmDetector": [("//registry.npmjs.org/:_authToken={}", _joined("npm_", _of(_WORD, 36)))],
    "OpenAIDetector": [('openai.api_key = "{}"', _joined("sk-", _of(_WORD, 20), "T3BlbkFJ", _of(_WORD, 20)))],
    "PrivateKeyDetector": [("{}", _private_key)],
    "PypiTokenDetector": [("password = {}", _joined("pypi-AgEIcHlwaS5vcmc", _of(_WORD + "-_", 120)))],
    "SendGridDetector": [("sg = Client('{}')", _joined("SG.", _of(_WORD + "-_", 22), ".", _of(_WORD + "-_", 43)))],
    "SlackDetector": [
        ("SLACK = '{}'", _joined("xoxb-", _of(_DIGITS, 11), "-", _of(_DIGITS, 12), "-", _of(_WORD, 24))),
        (
            "post {}",
            _joined("https://hooks.slack.com/services/T", _of(_UPPER, 8), "/B", _of(_UPPER, 8), "/", _of(_WORD, 24)),
        ),
    ],
    "SoftlayerDetector": [('softlayer_api_key = "{}"', _of(_LOWER + _DIGITS, 64))],
    "SquareOAuthDetector": [("square: {}", _joined("sq0csp-", _of(_WORD + "-_", 43)))],
    "StripeDetector": [('stripe.api_key = "{}"', lambda r: r.choice(["sk", "rk"]) + "_live_" + _of(_WORD, 24)(r))],
    "TelegramBotTokenDetector": [("bot = Bot('{}')", _joined(_of("123456789", 9), ":", _of(_WORD + "-_", 35)))],
    "TwilioKeyDetector": [("Client('{}')", lambda r: r.choice(["AC", "SK"]) + _of(_HEX, 32)(r))],
}
_KIND_OF_PLUGIN = {"KeywordDetector": "PASSWORD", "BasicAuthDetector": "PASSWORD", "IPPublicDetector": "IP_ADDRESS"}

# Lines with keys that no plugin has a format for.
_OTHER_KEYS: list[tuple[str, Make]] = [
    ("export API_TOKEN={}", _of(_WORD, 40)),
    ("    apiKey: {}", _of(_HEX, 32)),
    ('headers = {{"X-Api-Key": "{}"}}', _of(_WORD, 36)),
    ("const sessionSecret = '{}';", _of(_WORD, 32)),
]
_EMAIL_LINES = (
    "# {}", "// Contact: {}", ' * @author <{}>', '__email__ = "{}"', '"mail": "{}",', "Reply-To: {}", "mailto:{}", "({})", "{};",
    "Signed-off-by: A. Person <{}>", "send_mail(to='{}')", "maintainers: [{}]",
)  # fmt: skip
_ADDRESS_LINES = (
    "HOST = '{}'", "ping -c 1 {}", "# the old server was {}", '"ip": "{}",', "listen {};", "ssh root@{}", "remote_addr={}",
    "{} - - [12/Mar/2021:06:25:01 +0000] \"GET / HTTP/1.1\" 200", "allow {};", "connect(('{}', 8080))",
)  # fmt: skip
_NAMES = ("get", "user", "by", "list", "from", "value", "item", "parse", "field", "request")
_LOOK_ALIKE_LINES: list[tuple[str, Make]] = [
    ("sha256 = '{}'", _of(_HEX, 64)),
    ('"integrity": "sha512-{}"', _joined(_of(_WORD + "+/", 86), "==")),
    ("commit {}", _of(_HEX, 40)),
    ("md5sum: '{}'", _of(_HEX, 32)),
    ("expected = '{}'", _of(_HEX, 40)),
    ("checksum = \"{}\"", _of(_HEX, 32)),
    ("    uid = '{}'", lambda r: str(uuid.UUID(int=r.getrandbits(128)))),
    ("__version__ = '{}'", lambda r: ".".join(str(r.randrange(40)) for _ in range(4))),
    ("<package version=\"{}\"/>", lambda r: ".".join(str(r.randrange(200)) for _ in range(4))),
    ("requires thing=={}", lambda r: ".".join(str(r.randrange(30)) for _ in range(4))),
    ("see section {}", lambda r: ".".join(str(r.randrange(1, 12)) for _ in range(4))),
    ("Chrome/{} Safari/537.36", lambda r: f"{r.randrange(60, 120)}.0.{r.randrange(999)}.{r.randrange(200)}"),
    ("bind 127.0.0.{}", lambda r: str(r.randrange(1, 250))),
    ("gateway 192.168.{}.1", lambda r: str(r.randrange(250))),
    ("dns = '{}'", lambda r: r.choice(["8.8.8.8", "1.1.1.1", "9.9.9.9", "2001:4860:4860::8888", "fe80::1", "::1"])),
    ("host 203.0.113.{}", lambda r: str(r.randrange(250))),
    ("user{}@example.com", _of(_DIGITS, 3)),
    ("git clone git@github.com:{}/tool.git", _of(_LOWER, 8)),
    ("noreply@{}.com", _of(_LOWER, 8)),
    ("npm i left-pad@{}", lambda r: f"{r.randrange(9)}.{r.randrange(20)}.{r.randrange(9)}"),
    ("img src='icon@{}x.png'", lambda r: str(r.randrange(2, 4))),
    ("out = left@right.{}(axis)", lambda r: r.choice(["transpose", "mean", "dot"])),
    ("@decorator.{}", _of(_LOWER, 9)),
    ("handler = '{}'", lambda r: "_".join(r.choices(_NAMES, k=6))),
    ("at {}:00", lambda r: f"{r.randrange(24):02}:{r.randrange(60):02}"),
    ("std::{}::begin", _of(_LOWER, 6)),
    ("released {}", lambda r: f"{r.randrange(1, 29):02}.{r.randrange(1, 13):02}.20{r.randrange(10, 24)}"),
]  # fmt: skip


# Lines for a model; none stands among the templates that the tiny one learns from.
_PEOPLE_LINES: list[tuple[str, str]] = [
    ("NAME", "# Author: {}"), ("NAME", ":author: {}"), ("NAME", "@author {}"), ("NAME", "# Copyright 2019, {}. All rights reserved."),
    ("NAME", '"contributors": ["{}"],'), ("NAME", "Reviewed-by: {}"), ("NAME", 'maintainer="{}",'),
    ("USERNAME", "# NOTE({}): this is slow"), ("USERNAME", 'login = "{}"'), ("USERNAME", "export DB_USER={}"),
    ("USERNAME", "ssh_user: {}"), ("USERNAME", "sudo chown {} /srv/www"), ("USERNAME", "/Users/{}/projects"),
    ("PASSWORD", 'PASSWD = "{}"'), ("PASSWORD", "password: '{}'"), ("PASSWORD", "export PGPASSWORD={}"),
    ("PASSWORD", 'login(user, password="{}")'), ("PASSWORD", "mysql -p{}"),
]  # fmt: skip
_NOBODY_LINES: list[tuple[str, Make]] = [
    ('password = get_secret("{}")', _of(_LOWER, 8)),
    ("user = request.{}", _of(_LOWER, 7)),
    ("# The {} reads the next line.", _of(_LOWER, 8)),
    ('title = "Quick {}"', _of(_LOWER, 8)),
    ("name: str = '{}'", _of(_LOWER, 9)),
    ("raise ValueError('password too {}')", _of(_LOWER, 5)),
]


def planted_people(count: int, seed: int = 20260513) -> list[Planted]:
    """Real files with names, user names and passwords of nobody, for a model; a third with nothing but look-alikes."""
    source = random.Random(seed)
    fake = Faker(["en_US", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL"])
    fake.seed_instance(seed)
    made: dict[str, Callable[[], str]] = {
        "NAME": lambda: f"{fake.first_name()} {fake.last_name()}",
        "USERNAME": fake.user_name,
        "PASSWORD": lambda: fake.password(length=source.randrange(8, 15)),
    }
    files = [content for content in real_files(4 * count, seed) if 200 < len(content) < 20_000][:count]
    sets = []
    for number, content in enumerate(files):
        lines: list[tuple[str, str, str | None]] = [
            (line, make(source), None) for line, make in source.choices(_NOBODY_LINES, k=2)
        ]
        if number % 3:
            lines += [(line, made[kind](), kind) for kind, line in source.sample(_PEOPLE_LINES, 4)]
        sets.append(_plant(content, lines, source))
    return sets


def planted_set(count: int, seed: int = 20260511) -> list[Planted]:
    """The set, always the same for the same packages.

    Args:
        count: Files, a third of them with nothing but look-alikes.
        seed: Of everything drawn.
    """
    source = random.Random(seed)
    fake = Faker(["en_US", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL"])
    fake.seed_instance(seed)
    files = [content for content in real_files(4 * count, seed) if not _UNKNOWN.search(content)][:count]
    plugins = sorted(OF_PLUGINS)
    made = []
    for number, content in enumerate(files):
        lines: list[tuple[str, str, str | None]] = []  # the line, what is planted in it, its kind
        for line, make in source.choices(_LOOK_ALIKE_LINES, k=4):
            lines.append((line, make(source), None))
        if number % 3:
            plugin = plugins[number % len(plugins)]
            line, make = source.choice(OF_PLUGINS[plugin])
            lines.append((line, make(source), _KIND_OF_PLUGIN.get(plugin, "KEY")))
            line, make = source.choice(_OTHER_KEYS)
            if number % 4 == 1:
                lines.append((line, make(source), "KEY"))
            lines.append((source.choice(_EMAIL_LINES), _email(fake, source), "EMAIL"))
            lines.append((source.choice(_ADDRESS_LINES), _address(fake, source), "IP_ADDRESS"))
        made.append(_plant(content, lines, source))
    return made


def planted_secrets(seed: int = 20260511, of_each: int = 4) -> list[bytes]:
    """Texts with secrets of every plugin of detect-secrets, each in a real file."""
    source = random.Random(seed)
    files = real_files(len(OF_PLUGINS) * of_each, seed + 1)
    made = []
    for number, plugin in enumerate(sorted(OF_PLUGINS) * of_each):
        line, make = source.choice(OF_PLUGINS[plugin])
        made.append(_plant(files[number], [(line, make(source), "KEY")], source).content)
    return made


def _email(fake: Faker, source: random.Random) -> str:
    one = source.choice([fake.free_email, fake.company_email, fake.ascii_company_email])
    return re.sub(r"[^\x21-\x7e]", "", one())


def _address(fake: Faker, source: random.Random) -> str:
    if source.random() < 0.7:
        return fake.ipv4_public()
    groups = [
        source.choice(["2a00", "2a02", "2606", "2400", "2804"]),
        *(f"{source.randrange(1, 65536):x}" for _ in range(7)),
    ]
    return ":".join(groups) if source.random() < 0.5 else ":".join(groups[:3]) + "::" + groups[7]


def _plant(content: bytes, lines: list[tuple[str, str, str | None]], source: random.Random) -> Planted:
    """Put each line between two lines of the file, at places drawn at random."""
    rows = content.decode().splitlines(keepends=True)
    places = sorted((source.randrange(len(rows) + 1), number) for number in range(len(lines)))
    parts: list[str] = []
    spans: list[tuple[int, int, str]] = []
    at = size = 0
    for place, number in places:
        line, value, kind = lines[number]
        before = "".join(rows[at:place])
        if before and not before.endswith(("\n", "\r")):
            before += "\n"
        text = line.format(value) + "\n"
        start = size + len((before + text[: text.index(value)]).encode())
        if kind is not None:
            spans.append((start, start + len(value.encode()), kind))
        parts += [before, text]
        size += len((before + text).encode())
        at = place
    parts.append("".join(rows[at:]))
    return Planted("".join(parts).encode(), tuple(spans))
