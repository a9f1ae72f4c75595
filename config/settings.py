"""Settings of Fairstack. Everything that differs between places comes from the environment, through ``config.env``.

The embedded default (one machine, nothing installed but Python) needs no variable at all. ``FAIRSTACK_DEPLOYED=1`` turns on what a
public site needs: secrets from the environment, secure cookies, two approvals. docs/operations.md lists every variable.
"""

from pathlib import Path

import dj_database_url
import structlog
from csp.constants import NONE, SELF
from structlog.typing import Processor

from config import env
from core import sign_in

BASE_DIR = Path(__file__).resolve().parent.parent

DEPLOYED = env.boolean("FAIRSTACK_DEPLOYED", False)
DEBUG = env.boolean("FAIRSTACK_DEBUG", False)

# What the site is called and by which rules it runs.
FAIRSTACK_DEPLOYED = DEPLOYED
FAIRSTACK_DATA = env.folder("FAIRSTACK_DATA", BASE_DIR / "var")
FAIRSTACK_KEYS = env.folder("FAIRSTACK_KEYS", BASE_DIR / ".keys")
FAIRSTACK_SITE_NAME = env.text("FAIRSTACK_SITE_NAME", "Fairstack")
FAIRSTACK_SITE_URL = env.text("FAIRSTACK_SITE_URL", "http://127.0.0.1:8000").rstrip("/")
FAIRSTACK_CONTACT = env.text("FAIRSTACK_CONTACT", "the staff of this site")
FAIRSTACK_DATASET_NAME = env.text("FAIRSTACK_DATASET_NAME", "the-stack-demo")
FAIRSTACK_ORGANISATION = env.text("FAIRSTACK_ORGANISATION", "fairstack")
# From how many files on two reviewers have to agree to accept a request; 0: never.
FAIRSTACK_FOUR_EYES_FILES = env.integer("FAIRSTACK_FOUR_EYES_FILES", 10_000 if DEPLOYED else 0)
FAIRSTACK_APPROVALS = env.integer("FAIRSTACK_APPROVALS", 2 if DEPLOYED else 1, least=1)
# What becomes of a published release that holds what was blocked since: it is issued again without it, or withdrawn.
FAIRSTACK_OLD_RELEASES = env.one_of("FAIRSTACK_OLD_RELEASES", "reissue", ("reissue", "withdraw"))
# For each forge, the address from which a repository is cloned when ownership is checked.
FAIRSTACK_FORGES = env.table(
    "FAIRSTACK_FORGES",
    {
        forge: f"https://{forge}/{{owner}}/{{repository}}.git"
        for forge in ("github.com", "gitlab.com", "codeberg.org", "bitbucket.org")
    },
    str,
)
# How ownership is checked beside that (docs/proofs.md). Where people can sign in with the account itself:
FAIRSTACK_SIGN_IN = sign_in.parse(env.text("FAIRSTACK_SIGN_IN"))
# Where a forge says whose a name is, and which name a number has now; and where an account publishes its SSH keys.
FAIRSTACK_ACCOUNTS = env.table(
    "FAIRSTACK_ACCOUNTS",
    {
        "github.com": "https://api.github.com/users/{owner}",
        "gitlab.com": "https://gitlab.com/api/v4/users?username={owner}",
        "codeberg.org": "https://codeberg.org/api/v1/users/{owner}",
    },
    str,
)
FAIRSTACK_ACCOUNT_NUMBERS = env.table(
    "FAIRSTACK_ACCOUNT_NUMBERS",
    {
        "github.com": "https://api.github.com/user/{number}",
        "gitlab.com": "https://gitlab.com/api/v4/users/{number}",
        "codeberg.org": "https://codeberg.org/api/v1/users/search?uid={number}",
    },
    str,
)
FAIRSTACK_SSH_KEYS = env.table(
    "FAIRSTACK_SSH_KEYS",
    {forge: f"https://{forge}/{{owner}}.keys" for forge in ("github.com", "gitlab.com", "codeberg.org")},
    str,
)
# Hosts (with port) in private networks that these may lead to; and the name servers that are asked, else the system's.
FAIRSTACK_PRIVATE_HOSTS = env.words("FAIRSTACK_PRIVATE_HOSTS")
FAIRSTACK_NAMESERVERS = env.words("FAIRSTACK_NAMESERVERS")
# Folders below which pages and API may name sources, and by which protocols git may clone them (docs/sources.md).
FAIRSTACK_SOURCE_ROOTS = env.words("FAIRSTACK_SOURCE_ROOTS")
FAIRSTACK_SOURCE_PROTOCOLS = env.some_of("FAIRSTACK_SOURCE_PROTOCOLS", "https", ("https", "ssh", "file", "http"))
# Days within which each step of a request is promised; portal.policies.Promises has the names and the usual values.
FAIRSTACK_PROMISES = env.table("FAIRSTACK_PROMISES", {}, int)
# A folder of Markdown files that stand in place of those of docs/ with the same name: a site's own policies.
FAIRSTACK_POLICIES = env.text("FAIRSTACK_POLICIES")
# How often things may be done by one account or network; core.limits.LIMITS has the names and the usual values.
FAIRSTACK_LIMITS = env.table("FAIRSTACK_LIMITS", {}, str)
# Addresses or networks of the proxies before this site, whose X-Forwarded-For is believed; "unix" for a socket.
FAIRSTACK_PROXIES = env.words("FAIRSTACK_PROXIES")
# How long a published release may stay behind the block-list before no run may train on it.
FAIRSTACK_BLOCKLIST_GRACE_DAYS = env.integer("FAIRSTACK_BLOCKLIST_GRACE_DAYS", 7)
FAIRSTACK_JOB_SILENCE = env.integer("FAIRSTACK_JOB_SILENCE", 30, least=2)  # seconds without a heartbeat
FAIRSTACK_JOB_ATTEMPTS = env.integer("FAIRSTACK_JOB_ATTEMPTS", 3, least=1)
# By which means data jobs run their parts: threads of the job, Celery workers of the queue "shards", or a Ray cluster.
FAIRSTACK_DATA_ENGINE = env.one_of("FAIRSTACK_DATA_ENGINE", "threads", ("threads", "celery", "ray"))
FAIRSTACK_SHARD_WORKERS = env.integer("FAIRSTACK_SHARD_WORKERS", 8)  # how many Celery workers one job calls at most
FAIRSTACK_RELEASE_MIRROR = env.text("FAIRSTACK_RELEASE_MIRROR")  # a folder or s3://bucket/prefix; empty: none
# The address where the check after a removal downloads published bytes, as anybody does; empty: it reads the served folder.
FAIRSTACK_CHECK_URL = env.text("FAIRSTACK_CHECK_URL")
FAIRSTACK_RAY_ADDRESS = env.text("FAIRSTACK_RAY_ADDRESS")  # empty: a cluster on this machine, for the job's time

SECRET_KEY = env.secret("SECRET_KEY", FAIRSTACK_KEYS, deployed=DEPLOYED)
FAIRSTACK_KEY = env.secret("FAIRSTACK_KEY", FAIRSTACK_KEYS, deployed=DEPLOYED)
# Signs checkpoints, receipts and the removal feed (docs/ledger.md). Public keys that signed before stay published.
FAIRSTACK_SIGNING_KEY = env.secret("FAIRSTACK_SIGNING_KEY", FAIRSTACK_KEYS, deployed=DEPLOYED)
FAIRSTACK_FORMER_KEYS = env.words("FAIRSTACK_FORMER_KEYS")
# The ledger's name in its checkpoints, from the first one on for ever; and the keys of its known witnesses.
FAIRSTACK_LEDGER_ORIGIN = env.text("FAIRSTACK_LEDGER_ORIGIN") or FAIRSTACK_SITE_URL.partition("://")[2] + "/ledger"
FAIRSTACK_WITNESSES = env.words("FAIRSTACK_WITNESSES")
# Where the keys of undo bundles and the journal of blocks and purges lie: outside the data folder and its backups.
FAIRSTACK_UNDO_KEYS = env.folder("FAIRSTACK_UNDO_KEYS", FAIRSTACK_KEYS / "undo")
FAIRSTACK_JOURNAL = env.folder(
    "FAIRSTACK_JOURNAL",
    env.journal(FAIRSTACK_KEYS, FAIRSTACK_DATA, alone=DEPLOYED or FAIRSTACK_DATA == BASE_DIR / "var"),
)
ALLOWED_HOSTS = [*env.words("ALLOWED_HOSTS"), "127.0.0.1", "localhost", "[::1]"]  # loopback: health checks ask there
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "portal",
    "training_jobs",
    "modelzoo",
    "datasets_app",
    "core",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "django_structlog",
    "csp",
    "ninja",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.github",
    "allauth.socialaccount.providers.gitlab",
    "allauth.socialaccount.providers.openid_connect",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "core.middleware.NotBehind",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "core.middleware.RequestLog",
    "core.middleware.BearerToken",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "core.middleware.TooManyPages",
    "core.middleware.WithoutNull",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "core.context.site",
                "portal.context.unread",
            ],
        },
    },
]

# The database: SQLite in the data folder, or what DATABASE_URL names.
DATABASE_URL = env.text("DATABASE_URL") or f"sqlite:///{FAIRSTACK_DATA / 'db' / 'fairstack.sqlite3'}"
DATABASES = {"default": dj_database_url.parse(DATABASE_URL)}
_database = DATABASES["default"]
if name := env.text("FAIRSTACK_DATABASE_NAME"):  # a job's process is told which database its starter uses (tests)
    _database["NAME"] = name
_test_name = env.text("FAIRSTACK_TEST_NAME", "main")
if _database["ENGINE"] == "django.db.backends.sqlite3":
    (FAIRSTACK_DATA / "db").mkdir(parents=True, exist_ok=True)
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON; PRAGMA foreign_keys=ON;"
        ),
    }
    _database["TEST"] = {"NAME": str(FAIRSTACK_DATA / "db" / f"test-{_test_name}.sqlite3")}
else:
    _database.setdefault("OPTIONS", {})
    _database["OPTIONS"]["pool"] = {"min_size": 1, "max_size": env.integer("DATABASE_POOL", 8, least=1)}
    _database["TEST"] = {"NAME": f"test_fairstack_{_test_name}"}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Celery carries wake-ups; the rows of core.Job are the truth.
REDIS_URL = env.text("REDIS_URL")
BROKER_FOLDER = FAIRSTACK_DATA / "broker"
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "write-journal": {"task": "core.tasks.write_journal", "schedule": 60.0, "options": {"expires": 60}},
    "expire-requests": {"task": "portal.tasks.expire_requests", "schedule": 3600.0, "options": {"expires": 3600}},
    "expire-bundles": {"task": "portal.tasks.expire_bundles", "schedule": 3600.0, "options": {"expires": 3600}},
    "keep-catalogue": {"task": "portal.tasks.keep_catalogue", "schedule": 900.0, "options": {"expires": 900}},
    "send-mails": {"task": "portal.tasks.send_mails", "schedule": 60.0, "options": {"expires": 60}},
    "sequence-ledger": {"task": "core.tasks.sequence_ledger", "schedule": 1.0, "options": {"expires": 2}},
    "finish-removals": {"task": "portal.tasks.finish_removals", "schedule": 300.0, "options": {"expires": 300}},
    "find-lost-jobs": {"task": "core.tasks.find_lost_jobs", "schedule": 10.0, "options": {"expires": 10}},
}
if REDIS_URL:
    CELERY_BROKER_URL = REDIS_URL
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
else:
    CELERY_BROKER_URL = "filesystem://localhost//"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(BROKER_FOLDER / "messages"),
        "data_folder_out": str(BROKER_FOLDER / "messages"),
        "control_folder": str(BROKER_FOLDER / "control"),
        "store_processed": False,
        "polling_interval": 0.25,
    }
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# People.
AUTH_USER_MODEL = "core.User"
LOGIN_URL = "core:sign-in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# Mail: to a server where one is named; else to the terminal of a single machine, and nowhere on a public site.
EMAIL_HOST = env.text("EMAIL_HOST")
EMAIL_PORT = env.integer("EMAIL_PORT", 25)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env.boolean("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = env.boolean("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("EMAIL_FROM", "fairstack@localhost")
_mail = "smtp" if EMAIL_HOST else "dummy" if DEPLOYED else "console"
EMAIL_BACKEND = f"django.core.mail.backends.{_mail}.EmailBackend"

# Signing in through forges, by allauth: no mail address is asked for, no token kept, no mail sent.
ACCOUNT_ADAPTER = "core.forge_accounts.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SIGNUP_FIELDS = ["username*", "email"]  # the second is taken out of the form: core.forge_forms
ACCOUNT_PREVENT_ENUMERATION = False
SOCIALACCOUNT_ADAPTER = "core.forge_accounts.ForgeAdapter"
SOCIALACCOUNT_AUTO_SIGNUP = False
SOCIALACCOUNT_EMAIL_REQUIRED = False
SOCIALACCOUNT_QUERY_EMAIL = False
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_FORMS = {"signup": "core.forge_forms.ForgeSignUpForm"}
SOCIALACCOUNT_PROVIDERS = sign_in.for_allauth(FAIRSTACK_SIGN_IN)
SOCIALACCOUNT_REQUESTS_TIMEOUT = 10

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static_collected"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000

# Headers. No page needs anything from elsewhere.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
if DEPLOYED:
    SESSION_COOKIE_SECURE = env.boolean("FAIRSTACK_HTTPS", True)
    CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE
    SECURE_HSTS_SECONDS = 31_536_000 if SESSION_COOKIE_SECURE else 0
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Logs: one JSON object a line where deployed, readable lines on one machine. Never what was looked up, nor by whom.
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_USER_ID_FIELD = None
_processors: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_processors,
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"no_paths": {"()": "core.logs.WithoutPaths"}},
    "formatters": {
        "lines": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": _processors,
            "processor": structlog.processors.JSONRenderer()
            if DEPLOYED
            else structlog.dev.ConsoleRenderer(colors=False),
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "lines", "filters": ["no_paths"]}},
    "root": {"handlers": ["console"], "level": env.text("FAIRSTACK_LOG_LEVEL", "INFO")},
    "loggers": {
        "django.server": {"level": "WARNING"},
        "botocore": {"level": "WARNING"},
        "django_structlog": {"level": "INFO" if DEPLOYED else "WARNING"},
    },
}

TEST_RUNNER = "tests.runner.Runner"
