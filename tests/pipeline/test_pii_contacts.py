"""E-mail and IP addresses: what is found, what is left alone, and that the gate in front of both loses nothing."""

import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from datasets_app.pipeline.pii import addresses, emails
from datasets_app.pipeline.pii.detect import CONTACTS, contact_ends, detect


def found(text: str, kind: str) -> list[str]:
    content = text.encode()
    return [content[start:end].decode() for start, end, what in detect(content) if what == kind]


class EmailTest(SimpleTestCase):
    def test_addresses_of_people_are_found_in_code(self) -> None:
        for text in (
            "__author__ = 'Ada Lovelace <{}>'",
            "# {}, {{}}",
            '"email": "{}",',
            "mailto:{}?subject=x",
            "see {}.",
            "名前{}です",
            "({})",
            "Copyright (c) {}\r\n",
            '"source": "by\\n{}\\n"',
            "{}",
        ):
            with self.subTest(text):
                self.assertEqual(
                    found(text.format("ada.l+code@maths.ox.ac.uk"), "EMAIL"), ["ada.l+code@maths.ox.ac.uk"]
                )

    def test_offsets_are_bytes(self) -> None:
        content = "é😀 ada@maths.org é".encode()
        ((start, end, _),) = detect(content)
        self.assertEqual(content[start:end], b"ada@maths.org")

    def test_an_account_behind_a_noreply_domain_is_somebody(self) -> None:
        self.assertEqual(found("1234+ada@users.noreply.github.com", "EMAIL"), ["1234+ada@users.noreply.github.com"])

    def test_look_alikes_stay(self) -> None:
        for text in (
            "ada@example.com ada@mail.example.org ada@foo.test user@your-domain.com",
            "git@github.com:ada/engine.git ssh://git@host.org/x noreply@github.com",
            "https://ada:secret@host.org/path postgres://ada@db.host.org",
            "left-pad@1.3.0 pkg@2.x.io logo@2x.png icon@3x.jpg",
            "y = a@b.shape; z = a@b.dot(c); w = x@y.real[0]",
            "@pytest.mark.parametrize\n@app.route('/')",
            "user@localhost root@host",
            "'x\\n@triton.jit\\n'",
            "a..b@maths.org @maths.org ada@maths",
        ):
            with self.subTest(text):
                self.assertEqual(found(text, "EMAIL"), [])

    @given(st.text(alphabet=st.sampled_from("ab1.@-_+ é名\n/:%'\"Z"), max_size=60))
    def test_the_gate_loses_none_of_the_plain_pattern(self, text: str) -> None:
        content = text.encode()
        plain = [match.span() for match in emails.PLAIN.finditer(content)]
        gated = [(start, end) for start, _, end in emails.candidates(content, contact_ends(content)[0])]
        self.assertEqual(gated, plain)


class AddressTest(SimpleTestCase):
    def test_public_addresses_are_found(self) -> None:
        for text in (
            'HOST = "{}"',
            "ping {}",
            "http://{}:8080/x",
            "server={};",
            "{} - - [10/Oct/2000:13:55:36]",
            "allow from {}/24",
            "({}), ",
            "{}.",
        ):
            for address in ("93.184.216.34", "185.12.7.201"):
                with self.subTest(text, address=address):
                    self.assertEqual(found(text.format(address), "IP_ADDRESS"), [address])
        for text in ("{}", "http://[{}]:80/", "'{}'", "{}/64", "connect to {}: refused"):
            for address in ("2a00:1450:4001:81b::200e", "2A02:26F0:6C00:28B:0:0:0:1E89", "2A00:1450::1"):
                with self.subTest(text, address=address):
                    self.assertEqual(found(text.format(address), "IP_ADDRESS"), [address])

    def test_a_small_address_is_found_where_the_text_speaks_of_networks(self) -> None:
        self.assertEqual(found("host 5.9.1.2", "IP_ADDRESS"), ["5.9.1.2"])
        self.assertEqual(found("call 5.9.1.2", "IP_ADDRESS"), [])

    def test_the_start_of_a_file_is_like_any_other_place(self) -> None:
        text = "the server is 5.9.1.2"
        self.assertEqual(found(text, "IP_ADDRESS"), found("x\n" * 200 + text, "IP_ADDRESS"))

    def test_addresses_that_name_nobody_stay(self) -> None:
        for text in (
            "127.0.0.1 10.1.2.3 192.168.0.1 172.16.5.4 169.254.1.1 0.0.0.0 255.255.255.0",
            "server 8.8.8.8, 1.1.1.1 and 2001:4860:4860::8888",
            "host 192.0.2.7 198.51.100.3 203.0.113.99 2001:db8::7",
            "allow 185.12.7.0/24 2a00:1450::/32 93.184.216.34-x",
            "fe80::1 ::1 fd00::1 fc00:1::2 ff02::1 224.0.0.251 host 239.255.255.250",
        ):
            with self.subTest(text):
                self.assertEqual(found(text, "IP_ADDRESS"), [])

    def test_versions_dates_and_identifiers_stay(self) -> None:
        for text in (
            "version 121.0.6167.85",
            "__version__ = '33.100.21.5'",
            "pkg==25.100.4.30",
            "Chrome/96.20.44.110 Safari",
            "v1.22.33.44 lib-2.34.56.78 x2.34.56.78",
            "1.2.3.4.5 300.1.1.1 33.01.33.33 1.2.3",
            "OID 2.5.29.17 1.3.6.1",
            "see section 4.10.22.7",
            '<path d="m45.8 190.87.2.8c1 191.66.73.35 0.5"/>',
            "12:34:56 2024:01:02 2023::x std::vector 2000:: a:2001:1",
        ):
            with self.subTest(text):
                self.assertEqual(found(text, "IP_ADDRESS"), [])

    @given(st.text(alphabet=st.sampled_from("0129.:af-v é/\n"), max_size=60))
    def test_the_gate_loses_none_of_the_plain_patterns(self, text: str) -> None:
        content = text.encode()
        ends = contact_ends(content)
        for plain, candidates, at in (
            (addresses.PLAIN_IPV4, addresses.candidates_ipv4, 1),
            (addresses.PLAIN_IPV6, addresses.candidates_ipv6, 2),
        ):
            self.assertEqual(list(candidates(content, ends[at])), [match.span() for match in plain.finditer(content)])

    @given(st.ip_addresses())
    def test_every_global_address_passes_the_gate(self, address) -> None:
        content = f"host {address} up".encode()
        spans = [content[start:end].decode() for start, end, _ in detect(content)]
        public = address.is_global and not address.is_multicast
        if address.version == 6:
            public = public and address.packed[0] >> 5 == 1 and any(address.packed[2:])
        named = addresses.DNS_SERVERS | addresses.EXAMPLES
        if not public or address in named:
            self.assertEqual(spans, [])
        elif not str(address).startswith(("2.5.", "1.3.6.", "1.2.", "2.16.")):
            self.assertEqual(spans, [str(address)])


class GateTest(SimpleTestCase):
    def test_the_gate_loses_nothing_on_real_files(self) -> None:
        seen = 0
        for path in sorted(Path(sysconfig.get_paths()["purelib"], "django").rglob("*.po"))[:150]:
            content = path.read_bytes()
            plain = [match.span() for match in emails.PLAIN.finditer(content)]
            gated = [(start, end) for start, _, end in emails.candidates(content, contact_ends(content)[0])]
            self.assertEqual(gated, plain)
            seen += len(plain)
        self.assertGreater(seen, 200)

    def test_many_threads_may_use_it_at_once(self) -> None:
        contents = [f"{'x' * (number % 50)} ada{number}@maths.org 93.184.216.34".encode() * 20 for number in range(200)]
        expected = [contact_ends(content) for content in contents]
        with ThreadPoolExecutor(8) as pool:
            for _ in range(5):
                self.assertEqual(list(pool.map(contact_ends, contents)), expected)

    def test_it_takes_a_text_without_anything(self) -> None:
        self.assertEqual(contact_ends(b""), tuple([] for _ in CONTACTS))
