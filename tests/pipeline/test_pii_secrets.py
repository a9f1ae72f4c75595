"""Secrets: the gate in front of detect-secrets loses none of what it finds, and the filters behind it keep the keys.

The texts of secrets here come from the plugins' own expressions, so no token of anybody's stands in this file.
"""

import configparser
import functools
import importlib.metadata
import re
import string
import sysconfig
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from detect_secrets import SecretsCollection
from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.filters import heuristic
from detect_secrets.settings import transient_settings
from django.test import SimpleTestCase
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets_app.pipeline.multipattern import MultiPattern
from datasets_app.pipeline.pii import entropy, secret_gate
from datasets_app.pipeline.pii.detect import detect
from datasets_app.pipeline.pii.secret_filters import GIBBERISH_LIMIT, gibberish
from datasets_app.pipeline.pii.secret_lines import FILTERS, secrets_of_line
from datasets_app.pipeline.pii.secrets import ALL_PLUGINS, KEY_PLUGINS, Secret, SecretScanner, gate_of

PLUGINS = {one.__name__: one for one in get_mapping_from_secret_type_to_class().values()}
BY_TYPE = {one.secret_type: name for name, one in PLUGINS.items()}


@functools.cache
def scanner() -> tuple[SecretScanner, MultiPattern]:
    made = SecretScanner(ALL_PLUGINS)
    return made, gate_of(made)


def scan(content: bytes) -> list[Secret]:
    made, gate = scanner()
    return made.scan(content, gate.ends(content), gate.ends)


def on_whole_files(contents: list[bytes]) -> list[set[tuple[str, str]]]:
    """What detect-secrets finds in files of these bytes, by its documented means: (plugin, value)."""
    config = {
        "plugins_used": [{"name": name} for name in ALL_PLUGINS],
        "filters_used": [{"path": f"detect_secrets.filters.heuristic.{name}"} for name in FILTERS],
    }
    found = []
    with tempfile.TemporaryDirectory() as folder, transient_settings(config):
        for number, content in enumerate(contents):
            path = Path(folder, f"{number}.txt")
            path.write_bytes(content)
            secrets = SecretsCollection()
            secrets.scan_file(str(path))
            found.append({(BY_TYPE[secret.type], secret.secret_value or "") for _, secret in secrets})
    return found


def lost(contents: list[bytes]) -> list[tuple[str, str]]:
    """What detect-secrets finds on whole files and the scanner does not."""
    missing = []
    for content, expected in zip(contents, on_whole_files(contents), strict=True):
        got = [(one.plugin, content[one.start : one.end].decode()) for one in scan(content)]
        missing += [
            (plugin, value)
            for plugin, value in expected
            if not any(name == plugin and value.replace('\\"', '"') in text.replace('\\"', '"') for name, text in got)
        ]
    return missing


class GateTest(SimpleTestCase):
    def test_every_plugin_of_the_pinned_version_has_a_gate(self) -> None:
        self.assertEqual(importlib.metadata.version("detect-secrets"), secret_gate.DETECT_SECRETS_VERSION)
        self.assertEqual(set(PLUGINS), {*secret_gate.PATTERNS, *secret_gate.ENTROPY_PLUGINS})

    def test_an_unknown_plugin_is_refused_by_name(self) -> None:
        with self.assertRaisesRegex(ValueError, "NoSuchDetector"):
            SecretScanner(["NoSuchDetector"])

    def test_no_text_that_a_plugin_takes_passes_unseen(self) -> None:
        for name, patterns in secret_gate.PATTERNS.items():
            gate = MultiPattern((*patterns, *secret_gate.unusual()))
            for expression in _expressions(name):
                with self.subTest(name, expression=expression.pattern[:60]):
                    self._check(gate, expression)

    def _check(self, gate: MultiPattern, expression: re.Pattern[str]) -> None:
        @settings(max_examples=15)
        @given(st.from_regex(expression), st.sampled_from(["", "x = ", '"', "é\n"]))
        def holds(text: str, before: str) -> None:
            for line in re.split(r"\r\n|\r|\n", before + text):
                if "\0" not in line and expression.search(line.rstrip()) and line.isprintable():
                    self.assertTrue(gate.ends(line.encode("utf-8", "replace")), repr(line))

        holds()

    @settings(max_examples=200)
    @given(st.text(alphabet=st.sampled_from(string.hexdigits[:16] + "GZz+/_-=\\'\" \n"), max_size=80))
    def test_no_string_of_high_entropy_passes_unseen(self, text: str) -> None:
        content = f"'0123456789abcdef' {text}".encode()
        for name in secret_gate.ENTROPY_PLUGINS:
            gate = MultiPattern([(pattern, 0) for pattern in entropy.GATES[name]])
            seen = {
                line for line in range(99) for _, end in gate.ends(content) if content.count(b"\n", 0, end - 1) == line
            }
            seen = {
                content.count(b"\n", 0, end - 1) for _, end in gate.ends(content) if entropy.is_high(content, end, name)
            }
            for number, line in enumerate(content.decode().split("\n")):
                if PLUGINS[name]().analyze_line(filename="a", line=line):
                    self.assertIn(number, seen)


class WholeFilesTest(SimpleTestCase):
    @settings(max_examples=60)
    @given(
        st.lists(
            st.sampled_from(
                [
                    "[section]",
                    "key = 'Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MEFCQ0RFRkdISUpL'",
                    "token = aGVsbG8gd29ybGQgdGhpcyBJUyBhIFRFU1QgMTIzNDU2Nzg5",
                    "  8b1118b376c313ed420e5133ba91307817ed52c2",
                    "other: 8b1118b376c313ed420e5133ba91307817ed52c2",
                    '"8b1118b376c313ed420e5133ba91307817ed52c3"',
                    "password = 'hunter22'",
                    "aws_token: 0123456789ABCDEFGHIJabcdefghijklmnopqrst",
                    "import os",
                    "# comment",
                    "",
                    "url: http://ada:s3cretpass@host.org",
                    "id = '0123456789abcdef0123456789abcdee'",
                    "x = '{0123456789abcdef0123}'",
                ]
            ),
            max_size=8,
        ),
        st.sampled_from(["\n", "\r\n", "\r"]),
    )
    def test_ini_files_lines_and_line_ends_lose_nothing(self, lines: list[str], end: str) -> None:
        self.assertEqual(lost([end.join(lines).encode()]), [])

    def test_real_files_lose_nothing(self) -> None:
        root = Path(sysconfig.get_paths()["purelib"])
        paths = [*root.glob("detect_secrets/**/*.py"), *root.glob("pip/_vendor/**/*.py")][:60]
        contents = [path.read_bytes() for path in sorted(paths)]
        self.assertEqual(lost([content for content in contents if len(content) < 40_000]), [])

    def test_a_line_of_thousands_of_digests_takes_no_square_of_its_length(self) -> None:
        content = b"[" + b",".join(b'"%040x"' % (number * 7**50 % 2**160) for number in range(8000)) + b"]"
        started = time.process_time()
        self.assertEqual(detect(content), [])
        self.assertLess(
            time.process_time() - started, 20
        )  # it takes half a second; going over it each time takes minutes

    def test_the_filter_of_identifiers_is_that_of_detect_secrets(self) -> None:
        plugin = PLUGINS["HexHighEntropyString"]()
        value = "0123456789abcdef0123456789abcdee"
        for name in (
            "id",
            "user_id",
            "ids",
            "userid",
            "idx",
            "token",
            "a_ids",
            "key = 1; my_id",
            "kids",
            "my_identity",
        ):
            for separator in (" = ", ": ", "="):
                line = f'{name}{separator}"{value}"'
                self.assertEqual(
                    not list(secrets_of_line(plugin, line)), heuristic.is_likely_id_string(value, line, plugin), line
                )

    def test_many_threads_find_the_same(self) -> None:
        contents = [
            f"key{number} = '8b1118b376c313ed420e5133ba91307817ed5{number:03x}'".encode() for number in range(100)
        ]
        expected = [scan(content) for content in contents]
        self.assertTrue(all(expected))
        with ThreadPoolExecutor(8) as pool:
            self.assertEqual(list(pool.map(scan, contents)), expected)


class KeysTest(SimpleTestCase):
    def keys(self, text: str) -> list[str]:
        content = text.encode()
        return [content[start:end].decode() for start, end, kind in detect(content) if kind == "KEY"]

    def test_a_token_is_taken_whole_where_detect_secrets_gives_a_part(self) -> None:
        body = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
        for token in (f"ghp_{body}", f"glpat-{body[:20]}", f"glcbt-{body[:25]}"):
            self.assertEqual(self.keys(f"é token = '{token}'"), [token])
        token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0." + body
        self.assertEqual(self.keys(f"Authorization: Bearer {token}\n"), [token])

    def test_a_private_key_is_taken_to_its_last_line(self) -> None:
        block = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEow+/x0\n" * 20 + "-----END RSA PRIVATE KEY-----"
        self.assertEqual(self.keys(f"before\n{block}\nafter"), [block])
        escaped = block.replace("\n", "\\n")
        self.assertEqual(self.keys(f'{{"key": "{escaped}"}}'), [escaped])
        markers = "'-----BEGIN RSA PRIVATE KEY-----', '-----END RSA PRIVATE KEY-----'"
        self.assertEqual(self.keys(f"if line in ({markers}):\n    pass\n"), [])

    def test_a_key_is_taken_wherever_it_stands_again(self) -> None:
        key = "Zq8xWv3LmT5nRk9YpHs2JdUfCg7BtE4a"
        self.assertEqual(self.keys(f"api_key = '{key}'\n# was {key} before"), [key, key])

    def test_look_alikes_are_no_keys(self) -> None:
        digest = "8b1118b376c313ed420e5133ba91307817ed52c2"
        for text in (
            f"sha1 = '{digest}'",
            f'"commit": "{digest}"',
            f"tests = ['{digest}']",
            "name = 'get_user_by_identifier_or_None_XYZ_handler'",
            "uuid = '3f2504e0-4f89-11d3-9a0c-0305e82c3301'",
            f"ALPHABET = '{string.ascii_letters}{string.digits}+/'",
            "key = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'",
            "text = 'VGhlc2UgYXJlbid0IHRoZSBkcm9pZHMgeW91J3JlIGxvb2tpbmcgZm9y'",
            "https://postgres:postgres@db.host.org https://ada:pw@localhost/",
        ):
            with self.subTest(text):
                self.assertEqual(self.keys(text), [])

    def test_a_value_without_quotes_is_taken_where_it_is_all_of_its_line(self) -> None:
        key = "Zq8xWv3LmT5nRk9YpHs2JdUfCg7BtE4a"
        for line in (
            f"export API_TOKEN={key}",
            f"  token: {key}  # comment",
            f'"api-key": {key},\r',
            f"- secret: {key}",
        ):
            with self.subTest(line):
                self.assertEqual(self.keys(f"import os\n{line}\nx = 1\n"), [key])
        self.assertEqual(self.keys(f"import os\n token {key} of\n"), [])

    def test_the_password_of_a_url_is_one(self) -> None:
        content = b"DSN = 'https://ada:n0t-gu3ss3d@db.maths.ox.ac.uk/x'"
        ((start, end, kind),) = detect(content)
        self.assertEqual((content[start:end], kind), (b"n0t-gu3ss3d", "PASSWORD"))

    @given(st.text(alphabet=string.ascii_letters + string.digits + "+/", min_size=64, max_size=64))
    def test_words_are_less_gibberish_than_the_limit(self, text: str) -> None:
        self.assertLess(gibberish("get_element_by_class_name_and_attribute"), GIBBERISH_LIMIT)
        self.assertGreaterEqual(gibberish(text), 0)


def _expressions(name: str) -> list[re.Pattern[str]]:
    """The expressions by which a plugin takes a line."""
    plugin = PLUGINS[name]()
    if name != "KeywordDetector":
        return list(plugin.denylist)
    keyword: Callable[[], dict[re.Pattern[str], int]] = functools.partial(
        getattr, __import__("detect_secrets.plugins.keyword", fromlist=["x"]), "QUOTES_REQUIRED_DENYLIST_REGEX_TO_GROUP"
    )
    return list(keyword())


class ConfigurationTest(SimpleTestCase):
    def test_the_standard_library_is_left_as_it_was(self) -> None:
        self.assertEqual(configparser.ParsingError.__module__, "configparser")
        with self.assertRaisesRegex(configparser.ParsingError, r"line *2"):
            configparser.ConfigParser().read_string("[a]\nno delimiter")

    def test_the_plugins_of_the_original_are_among_those_used(self) -> None:
        self.assertEqual(len(KEY_PLUGINS), len(set(KEY_PLUGINS)))
        self.assertLessEqual(set(KEY_PLUGINS), set(ALL_PLUGINS))
