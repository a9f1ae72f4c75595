"""Proof by a DNS record: dnspython asks a real name server on loopback, by UDP and by TCP."""

import time
from typing import ClassVar

from django.core.exceptions import PermissionDenied
from django.test import TestCase, override_settings
from django.urls import reverse
from dnslib import CNAME, QTYPE, RCODE, RR, TXT, DNSRecord
from dnslib.server import BaseResolver, DNSLogger, DNSServer

from core.errors import Conflict, InvalidInput
from portal.models import OptOutRequest, Proof
from portal.proofs import dns
from portal.services import proving, verification
from tests.base import DataFolderMixin, make_user
from tests.portal import people
from tests.portal.web_forge import WebForge

LINE = "fairstack-challenge=" + "a" * 22 + "." + "0" * 32


class Zone(BaseResolver):
    """Names to lists of texts (a tuple is one record of several strings), to a name (CNAME), an rcode or a pause."""

    def __init__(self):
        self.names: dict[str, object] = {}
        self.transports: list[str] = []

    def resolve(self, request, handler):
        self.transports.append(handler.protocol)
        reply = request.reply()
        name = str(request.q.qname).rstrip(".").lower()
        found = self.names.get(name)
        if isinstance(found, str):
            reply.add_answer(RR(name, QTYPE.CNAME, rdata=CNAME(found), ttl=1))
            name, found = found, self.names.get(found)
        if found is None:
            reply.header.rcode = RCODE.NXDOMAIN
        elif isinstance(found, float):
            time.sleep(found)
        elif isinstance(found, int):
            reply.header.rcode = found
        else:
            for text in found:
                reply.add_answer(RR(name, QTYPE.TXT, rdata=TXT(list(text) if isinstance(text, tuple) else text), ttl=1))
        if handler.protocol == "udp" and len(reply.pack()) > 512:  # RFC 1035, 4.2.1
            reply.rr.clear()
            reply.header.tc = 1
        return reply


class DnsCase(DataFolderMixin, TestCase):
    zone: ClassVar[Zone]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.zone = Zone()
        quiet = DNSLogger("-request,-reply,-truncated,-error,-recv,-send,-data", logf=lambda text: None)
        udp = DNSServer(cls.zone, address="127.0.0.1", port=0, logger=quiet)
        port = udp.server.server_address[1]
        tcp = DNSServer(cls.zone, address="127.0.0.1", port=port, tcp=True, logger=quiet)
        for server in (udp, tcp):
            server.start_thread()
            cls.addClassCleanup(server.server.server_close)
            cls.addClassCleanup(server.stop)
        cls.enterClassContext(override_settings(FAIRSTACK_NAMESERVERS=[f"127.0.0.1:{port}"]))

    def setUp(self):
        super().setUp()
        self.zone.names.clear()
        self.zone.transports.clear()

    def record(self, found, domain="example.org"):
        self.zone.names[dns.record_name(domain)] = found


class Looking(DnsCase):
    def look(self, **how):
        return dns.look("example.org", LINE, **how)

    def test_a_record_among_others_is_found(self):
        self.record(["v=spf1 -all", LINE])
        self.assertEqual(self.look(), "found")

    def test_several_strings_of_one_record_are_one_text(self):
        self.record([(LINE[:30], LINE[30:])])
        self.assertEqual(self.look(), "found")

    def test_two_records_are_not_put_together(self):
        self.record([LINE[:30], LINE[30:]])
        self.assertEqual(self.look(), "dns_wrong")

    def test_missing_wrong_and_another_challenge_are_told_apart(self):
        self.assertEqual(self.look(), "dns_missing")
        self.record([])
        self.assertEqual(self.look(), "dns_missing")
        self.record(["hello"])
        self.assertEqual(self.look(), "dns_wrong")
        self.record([LINE[:-1] + "1"])
        self.assertEqual(self.look(), "other_challenge")

    def test_a_name_that_leads_to_another_is_followed(self):
        self.zone.names["elsewhere.example.net"] = [LINE]
        self.record("elsewhere.example.net")
        self.assertEqual(self.look(), "found")

    def test_an_answer_too_large_for_udp_comes_by_tcp(self):
        self.record([*(f"filler {number} " + "x" * 200 for number in range(20)), LINE])
        self.assertEqual(self.look(), "found")
        self.assertIn("tcp", self.zone.transports)

    def test_a_server_that_is_slow_or_broken(self):
        self.record(RCODE.SERVFAIL)
        self.assertEqual(self.look(), "dns_failed")
        self.record(3.0)
        began = time.monotonic()
        self.assertEqual(self.look(timeout=0.6), "dns_timeout")
        self.assertLess(time.monotonic() - began, 2.5)

    def test_names_that_are_no_domains_are_refused(self):
        for text in (
            "",
            "localhost",
            "127.0.0.1",
            "a..b",
            "-x.org",
            "x" * 300 + ".org",
            "exa mple.org",
            "ex\u202eample.org/",
        ):
            with self.subTest(text=text[:20]), self.assertRaises(InvalidInput):
                dns.domain_name(text)
        for text in ("straße.example", "βόλος.example", "https://stra\u200dsse.example/"):
            with self.subTest(text=text), self.assertRaisesRegex(InvalidInput, "two different domains"):
                dns.domain_name(text)
        self.assertEqual(dns.domain_name("xn--strae-oqa.example"), "xn--strae-oqa.example")
        self.assertEqual(dns.domain_name(" HTTPS://Bücher.example/x "), "xn--bcher-kva.example")

    def test_a_website_names_its_own_domain_and_no_parent(self):
        for website in ("https://example.org/", "www.example.org", "http://EXAMPLE.org/about"):
            self.assertTrue(dns.belongs("example.org", website), website)
        for website in (
            "",
            "https://ada.example.org",
            "https://example.org.evil.net",
            "https://evil.net/example.org",
            "x",
        ):
            self.assertFalse(dns.belongs("example.org", website), website)
        self.assertFalse(dns.belongs("strasse.example", "https://straße.example"))
        self.assertFalse(dns.belongs("github.io", "https://ada.github.io"))

    def test_the_server_speaks_dns(self):
        self.assertEqual(DNSRecord.question("x.org").q.qtype, QTYPE.A)


class AnOrganisationsDomain(DnsCase):
    def setUp(self):
        super().setUp()
        self.web = WebForge(self)
        self.web.accounts = {"500": "OrgA"}
        self.ada = make_user("ada")
        made = people.sent(self.ada, "OrgA")
        OptOutRequest.objects.filter(pk=made.pk).update(organisation=True)
        self.made = OptOutRequest.objects.get(pk=made.pk)

    def check(self):
        check = people.run(verification.start_check(self.made, self.ada, kind=Proof.DNS))
        self.made.refresh_from_db()
        return check.outcome

    def begin(self, domain="example.org"):
        return verification.issue_challenge(self.made, self.ada, Proof.DNS, domain)

    def test_counts_where_the_accounts_profile_names_it(self):
        self.web.websites["500"] = "https://www.example.org"
        self.record([self.begin().challenge])
        self.assertEqual(self.check(), "found")
        proof = self.made.proofs.get(kind=Proof.DNS)
        self.assertEqual((proof.account_id, proof.subject), ("500", "example.org"))
        self.assertEqual(self.made.state, "verifying")  # one of two
        verification.verify_by_hand(self.made, people.reviewer(), "I called them.")
        self.made.refresh_from_db()
        self.assertIn(self.made.state, ("triage", "objection"))

    def test_waits_for_a_reviewer_where_it_does_not(self):
        self.record([self.begin().challenge])
        self.assertEqual(self.check(), "unlinked")
        proof = self.made.proofs.get(kind=Proof.DNS)
        self.assertIsNone(proof.passed_at)
        with self.assertRaises(PermissionDenied):
            proving.confirm_domain(proof, self.ada)
        people.reviewer()
        self.client.login(username="grace", password="correct horse battery")
        page = self.client.get(reverse("portal:desk-request", args=[self.made.reference]))
        self.assertContains(page, "It does: count the proof")
        self.client.post(reverse("portal:desk-domain", args=[self.made.reference, proof.pk]))
        proof.refresh_from_db()
        self.assertIsNotNone(proof.passed_at)
        with self.assertRaises(Conflict):
            proving.confirm_domain(proof, people.reviewer())

    def test_that_a_reviewer_confirmed_stays_passed_whatever_a_look_under_way_finds(self):
        self.record([self.begin().challenge])
        self.check()
        late = verification.start_check(self.made, self.ada, kind=Proof.DNS)
        proof = self.made.proofs.get(kind=Proof.DNS)
        proving.confirm_domain(proof, people.reviewer())
        self.record(["something else"])
        self.assertEqual(people.run(late).outcome, "used")
        proof.refresh_from_db()
        self.assertEqual(proof.outcome, "found")
        self.assertEqual(self.made.events.filter(kind="check_passed").count(), 1)

    def test_a_record_of_another_request_or_domain_does_not_count(self):
        first = self.begin().challenge
        self.record([first])
        self.begin("example.net")
        self.assertEqual(self.check(), "dns_missing")
        self.record([first], "example.net")
        self.assertEqual(self.check(), "other_challenge")

    def test_does_not_count_for_a_person(self):
        mine = people.sent(self.ada)
        with self.assertRaises(Conflict):
            verification.issue_challenge(mine, self.ada, Proof.DNS, "example.org")
