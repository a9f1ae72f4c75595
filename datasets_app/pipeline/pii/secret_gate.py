"""What the gate in front of detect-secrets looks for: for each plugin, patterns that every text it takes must hold.

A pattern here is weaker than the plugin's own: what only narrows (look-around, what stands before) is left out, and white
space, quotes and signs of assignment between a name and its value are one class. Where case is ignored, Python's ``re``
folds four letters beyond ASCII onto ASCII ones (the Kelvin sign, the long s and two Turkish ones), and it takes any
script's digits as ``\\d``: a line with one of those goes to all plugins. The two entropy plugins have their patterns in
``entropy.py``.

The tests make texts from each plugin's own expressions and show that none passes by the gate unseen. Written for
detect-secrets 1.5.0; another version needs another look.
"""

import sys
import unicodedata

import hyperscan

DETECT_SECRETS_VERSION = "1.5.0"

ENTROPY_PLUGINS = ("Base64HighEntropyString", "HexHighEntropyString")

_ASSIGNS = rb"[\s\"'\[\]=:>_-]+"  # between a name and its value
_PASS = rb"(?:key|pwd|pw|password|pass|token)"
_URL_RESERVED = rb"[^:/?#\[\]@!$&'()*+,;=\s]+"
_KEYWORDS = (
    rb"api_?key|auth_?key|service_?key|account_?key|db_?key|database_?key|priv_?key|private_?key|client_?key"
    rb"|db_?pass|database_?pass|key_?pass|password|passwd|pwd|secret|contrase(?:\xc3[\xb1\x91]|n)a"
)
_I = hyperscan.HS_FLAG_CASELESS

PATTERNS: dict[str, tuple[tuple[bytes, int], ...]] = {
    "ArtifactoryDetector": ((rb"\bAKC[a-zA-Z0-9]{10}", 0), (rb"\bAP[0-9A-F][a-zA-Z0-9]{8}", 0)),
    "AWSKeyDetector": (
        (rb"(?:A3T[A-Z0-9]|ABIA|ACCA|AKIA|ASIA)[0-9A-Z]{16}", 0),
        (rb"['\"][0-9a-zA-Z/+]{40}['\"]", 0),
    ),
    "AzureStorageKeyDetector": ((rb"AccountKey=[a-zA-Z0-9+/=]{88}", 0),),
    "BasicAuthDetector": ((rb"://" + _URL_RESERVED + rb":" + _URL_RESERVED + rb"@", 0),),
    "CloudantDetector": (
        (rb"cl[a-z]{0,6}[_-]?(?:api)?" + _PASS + _ASSIGNS + rb"(?:[0-9a-f]{64}|[a-z]{24})", _I),
        (rb"@[^\s@]+\.cloudant\.com", _I),
    ),
    "DiscordBotTokenDetector": ((rb"[MNO][a-zA-Z0-9_-]{23,25}\.[a-zA-Z0-9_-]{6}\.[a-zA-Z0-9_-]{27}", 0),),
    "GitHubTokenDetector": ((rb"gh[posur]_[A-Za-z0-9_]{36}", 0),),
    "GitLabTokenDetector": ((rb"(?:gl(?:pat|dt|ft|soat|rt|cbt|imt|ptt|agent|oas)-|GR1348941)[A-Za-z0-9_-]{20}", 0),),
    "IbmCloudIamDetector": ((_PASS + _ASSIGNS + rb"[a-zA-Z0-9_-]{44}", _I),),
    "IbmCosHmacDetector": ((rb"secret[_-]?(?:access)?[_-]?key" + _ASSIGNS + rb"[a-f0-9]{48}", _I),),
    "IPPublicDetector": ((rb"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]", 0),),
    "JwtTokenDetector": ((rb"eyJ[A-Za-z0-9_=-]+\.[A-Za-z0-9_=-]", 0),),
    "KeywordDetector": ((_KEYWORDS, _I),),
    "MailchimpDetector": ((rb"[0-9a-z]{32}-us[0-9]", 0),),
    "NpmDetector": ((rb":_authToken=", 0),),
    "OpenAIDetector": ((rb"T3BlbkFJ[A-Za-z0-9]{20}", 0),),
    "PrivateKeyDetector": ((rb"BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY|PuTTY-User-Key-File-2", 0),),
    "PypiTokenDetector": ((rb"pypi-AgE(?:IcHlwaS5vcmc|NdGVzdC5weXBpLm9yZw)", 0),),
    "SendGridDetector": ((rb"SG\.[a-zA-Z0-9_-]{22}\.[a-zA-Z0-9_-]{43}", 0),),
    "SlackDetector": ((rb"xox[abposr]-[0-9]+-[a-z0-9]", _I), (rb"hooks\.slack\.com/services/T", _I)),
    "SoftlayerDetector": (
        (rb"(?:softlayer|sl)[_-]?(?:api)?[_-]?" + _PASS + _ASSIGNS + rb"[a-z0-9]{64}", _I),
        (rb"://api.{1,4}softlayer.{1,4}com/soap/v3", _I),
    ),
    "SquareOAuthDetector": ((rb"sq0csp-[0-9A-Za-z\\_-]{43}", 0),),
    "StripeDetector": ((rb"[rs]k_live_[0-9a-zA-Z]{24}", 0),),
    "TelegramBotTokenDetector": ((rb"[0-9]{8}:[0-9A-Za-z_-]{35}", 0),),
    "TwilioKeyDetector": ((rb"(?:AC|SK)[a-z0-9]{32}", 0),),
}
"""For each plugin of detect-secrets but :data:`ENTROPY_PLUGINS`, what its lines must hold."""


def _other_digits() -> bytes:
    """A class of all decimal digits beyond ASCII, which ``\\d`` takes."""
    digits = [point for point in range(0x80, sys.maxunicode + 1) if unicodedata.category(chr(point)) == "Nd"]
    return b"[" + b"".join(b"\\x{%x}" % point for point in digits) + b"]"


def unusual() -> tuple[tuple[bytes, int], ...]:
    """Patterns of the characters that Python's ``re`` takes for ASCII ones."""
    utf8 = hyperscan.HS_FLAG_UTF8
    return ((rb"[\x{212a}\x{17f}\x{131}\x{130}]", utf8), (_other_digits(), utf8))
