"""Rate limits: counted by account and network, across processes, without keeping an address."""

import os
import sqlite3
import subprocess
import sys
from unittest import skipUnless

from django.conf import settings
from django.core.checks import run_checks
from django.test import RequestFactory, SimpleTestCase, TestCase, override_settings
from django.urls import reverse

from core import limits, tokens
from core.errors import Conflict, TooMany
from core.limit_store import FileStorage
from tests.base import DataFolderMixin, make_user

REDIS = os.environ.get("FAIRSTACK_TEST_REDIS", "redis://127.0.0.1:6379/9")


def redis_answers() -> bool:
    import redis

    try:
        return bool(redis.from_url(REDIS, socket_timeout=1).ping())
    except redis.RedisError:
        return False


def ask(address: str = "192.0.2.7", forwarded: str = "") -> object:
    extra = {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}
    return RequestFactory().get("/", REMOTE_ADDR=address, **extra)


TAKE = """
import sys
from pathlib import Path
from core.limit_store import FileStorage
storage = FileStorage(Path(sys.argv[1]))
print(sum(storage.acquire_entry("key", 50, 600) for _ in range(30)))
"""


class CountingTests(DataFolderMixin, SimpleTestCase):
    @override_settings(FAIRSTACK_LIMITS={"send.account": "2/hour", "send.network": "3/hour"}, REDIS_URL="")
    def test_each_key_has_its_own_count_and_the_refusal_says_when(self) -> None:
        limits.hit("send", "account:1", "network:a")
        limits.hit("send", "account:1", "network:a")
        with self.assertRaises(TooMany) as refused:
            limits.hit("send", "account:1", "network:b")
        self.assertTrue(3500 < refused.exception.wait <= 3600)
        self.assertIn("too many requests sent from this account. Try again in 60 minutes", str(refused.exception))
        self.assertIsInstance(refused.exception, Conflict)
        limits.hit("send", "account:2", "network:a")
        with self.assertRaisesMessage(TooMany, "from your network"):
            limits.hit("send", "account:3", "network:a")

    @override_settings(FAIRSTACK_LIMITS={"send.account": "100/hour; 1/second"}, REDIS_URL="")
    def test_the_shortest_window_refuses_too_and_lifted_limits_never(self) -> None:
        limits.hit("send", "account:1")
        with self.assertRaises(TooMany) as refused:
            limits.hit("send", "account:1")
        self.assertEqual(refused.exception.wait, 1)
        with override_settings(FAIRSTACK_LIMITS={"send.account": ""}):
            limits.hit("send", "account:1")

    @override_settings(REDIS_URL="")
    def test_a_limit_that_does_not_exist_is_a_mistake(self) -> None:
        with self.assertRaises(LookupError):
            limits.hit("fly", "account:1")

    def test_processes_share_one_count(self) -> None:
        path = self.data / "db" / "limits.sqlite3"
        path.parent.mkdir()
        command = [sys.executable, "-c", TAKE, str(path)]
        workers = [
            subprocess.Popen(command, stdout=subprocess.PIPE, cwd=settings.BASE_DIR, text=True) for _ in range(4)
        ]
        self.assertEqual(sum(int(worker.communicate(timeout=30)[0]) for worker in workers), 50)

    @override_settings(FAIRSTACK_LIMITS={"send.network": "1/hour"}, REDIS_URL="")
    def test_a_store_that_is_broken_lets_people_through_and_is_logged(self) -> None:
        path = self.data / "db" / "limits.sqlite3"
        path.parent.mkdir()
        path.write_bytes(b"no database at all, whatever its name says" * 100)
        with self.assertLogs("core.limits", "WARNING") as logged:
            for _ in range(3):
                limits.hit("send", limits.network(ask()))
        self.assertNotIn("192.0.2.7", "".join(logged.output))

    @skipUnless(redis_answers(), "needs a Redis")
    @override_settings(FAIRSTACK_LIMITS={"send.network": "2/minute"}, REDIS_URL=REDIS)
    def test_redis_counts_alike(self) -> None:
        import redis

        redis.from_url(REDIS).flushdb()
        limits._redis.cache_clear()
        self.addCleanup(limits._redis.cache_clear)
        self.assertEqual(limits.network(ask()), limits.network(ask()))
        limits.hit("send", limits.network(ask()))
        limits.hit("send", limits.network(ask()))
        with self.assertRaises(TooMany) as refused:
            limits.hit("send", limits.network(ask()))
        self.assertTrue(0 < refused.exception.wait <= 60)
        self.assertFalse([key for key in redis.from_url(REDIS).scan_iter() if b"192.0.2.7" in key])

    def test_the_first_callers_of_a_process_all_find_redis(self) -> None:
        code = """
import threading, django
django.setup()
from core import limits
ready, failed = threading.Barrier(8), []
def call():
    ready.wait()
    try:
        limits._redis("redis://127.0.0.1:1/0")
    except Exception as error:
        failed.append(error)
threads = [threading.Thread(target=call) for _ in range(8)]
[one.start() for one in threads]
[one.join() for one in threads]
assert not failed, failed
"""
        environment = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}
        subprocess.run([sys.executable, "-c", code], check=True, env=environment, cwd=settings.BASE_DIR)

    @override_settings(FAIRSTACK_LIMITS={"send.network": "2/minute"}, REDIS_URL="redis://127.0.0.1:1/0")
    def test_a_redis_that_is_down_lets_people_through(self) -> None:
        limits._redis.cache_clear()
        self.addCleanup(limits._redis.cache_clear)
        with self.assertLogs("core.limits", "WARNING"):
            for _ in range(3):
                limits.hit("send", limits.network(ask()))


class NetworkTests(DataFolderMixin, SimpleTestCase):
    def test_a_network_is_an_address_of_ipv4_or_the_first_half_of_ipv6(self) -> None:
        for address, prefix in (
            ("192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("fe80::1%eth0", "fe80::/64"),
            ("nonsense", "unknown"),
            ("", "unknown"),
        ):
            self.assertEqual(limits.prefix_of(address), prefix)

    def test_what_a_visitor_claims_of_themselves_is_not_believed(self) -> None:
        self.assertEqual(limits.address_of(ask("192.0.2.7", "198.51.100.1")), "192.0.2.7")
        with override_settings(FAIRSTACK_PROXIES=["10.0.0.0/8"]):
            self.assertEqual(limits.address_of(ask("10.0.0.1", "198.51.100.1")), "198.51.100.1")
            self.assertEqual(limits.address_of(ask("10.0.0.1", "203.0.113.9, 198.51.100.1, 10.0.0.2")), "198.51.100.1")
            self.assertEqual(limits.address_of(ask("192.0.2.7", "198.51.100.1")), "192.0.2.7")
            self.assertEqual(limits.address_of(ask("10.0.0.1", "junk")), "junk")
        with override_settings(FAIRSTACK_PROXIES=["unix"]):
            self.assertEqual(limits.address_of(ask("", "198.51.100.1")), "198.51.100.1")

    @override_settings(REDIS_URL="")
    def test_no_address_is_kept_and_the_key_of_a_day_is_destroyed(self) -> None:
        first = limits.network(ask())
        self.assertEqual(first, limits.network(ask()))
        self.assertNotEqual(first, limits.network(ask("192.0.2.8")))
        limits.hit("send", first)
        path = self.data / "db" / "limits.sqlite3"
        self.assertNotIn(b"192.0.2.7", path.read_bytes())
        key = sqlite3.connect(path).execute("SELECT secret FROM day_keys").fetchone()[0]
        FileStorage(path).day_key("2999-01-01")
        self.assertEqual(sqlite3.connect(path).execute("SELECT day FROM day_keys").fetchall(), [("2999-01-01",)])
        self.assertNotIn(key, path.read_bytes())

    def test_settings_that_cannot_be_are_found_at_the_start(self) -> None:
        for wrong in (
            {"FAIRSTACK_LIMITS": {"fly.account": "1/hour"}},
            {"FAIRSTACK_LIMITS": {"send.account": "often"}},
            {"FAIRSTACK_LIMITS": {"send.account": "1/month"}},
            {"FAIRSTACK_PROXIES": ["the proxy"]},
        ):
            with override_settings(**wrong):
                self.assertIn("fairstack.E006", [found.id for found in run_checks()], wrong)
        self.assertNotIn("fairstack.E006", [found.id for found in run_checks()])

    def test_a_deployment_is_told_to_name_its_proxy(self) -> None:
        for proxies, told in (([], True), (["10.0.0.1"], False)):
            with override_settings(FAIRSTACK_DEPLOYED=True, FAIRSTACK_PROXIES=proxies):
                ids = [found.id for found in run_checks(include_deployment_checks=True)]
                self.assertEqual("fairstack.W006" in ids, told)


@override_settings(REDIS_URL="")
class SiteTests(DataFolderMixin, TestCase):
    @override_settings(FAIRSTACK_LIMITS={"sign-in.network": "2/hour"})
    def test_signing_in_ends_with_a_page_that_says_when_to_try_again(self) -> None:
        make_user("ada")
        form = {"username": "ada", "password": "wrong"}
        for _ in range(2):
            self.assertEqual(self.client.post(reverse("core:sign-in"), form).status_code, 200)
        answer = self.client.post(reverse("core:sign-in"), form | {"password": "correct horse battery"})
        self.assertContains(answer, "Try again in 60 minutes", status_code=429)
        self.assertTrue(3500 < int(answer["Retry-After"]) <= 3600)
        self.assertNotIn("_auth_user_id", self.client.session)
        elsewhere = self.client.post(
            reverse("core:sign-in"), form | {"password": "correct horse battery"}, REMOTE_ADDR="192.0.2.9"
        )
        self.assertEqual(elsewhere.status_code, 302)

    @override_settings(FAIRSTACK_LIMITS={"sign-in.account": "2/hour"})
    def test_one_account_cannot_be_tried_from_many_networks(self) -> None:
        for place in range(2):
            form = {"username": "Ada", "password": "wrong"}
            self.client.post(reverse("core:sign-in"), form, REMOTE_ADDR=f"192.0.2.{place}")
        answer = self.client.post(
            reverse("core:sign-in"), {"username": "ada ", "password": "x"}, REMOTE_ADDR="192.0.2.99"
        )
        self.assertEqual(answer.status_code, 429)

    @override_settings(FAIRSTACK_LIMITS={"sign-up.network": "1/hour", "token.account": "1/hour"})
    def test_accounts_and_tokens_are_not_made_without_end(self) -> None:
        for name, status in (("ada", 302), ("grace", 429)):
            self.client.logout()
            form = {"username": name, "password1": "analytical engine 1843", "password2": "analytical engine 1843"}
            self.assertEqual(self.client.post(reverse("core:sign-up"), form).status_code, status)
        self.client.force_login(make_user("joan"))
        for name, status in (("one", 200), ("two", 429)):
            answer = self.client.post(reverse("core:tokens"), {"name": name, "scopes": ["read"]})
            self.assertEqual(answer.status_code, status)

    @override_settings(FAIRSTACK_LIMITS={"api.token": "2/hour", "bad-token.network": "1/hour"})
    def test_the_api_answers_with_the_time_to_wait(self) -> None:
        _, plain = tokens.issue(make_user(), "laptop", ["read"])
        headers = {"Authorization": f"Bearer {plain}"}
        for status in (200, 200, 429):
            answer = self.client.get("/api/jobs", headers=headers)
            self.assertEqual(answer.status_code, status)
        self.assertEqual(answer.json()["retry_after"], int(answer["Retry-After"]))
        for status in (401, 429):
            answer = self.client.get("/api/jobs", headers={"Authorization": "Bearer hf_wrong"})
            self.assertEqual(answer.status_code, status)

    @override_settings(FAIRSTACK_LIMITS={"send.account": "0/hour"})
    def test_requests_by_the_api_are_counted(self) -> None:
        self.client.force_login(make_user())
        body = {"forge": "github.com", "account": "ada"}
        answer = self.client.post("/api/requests", body, content_type="application/json")
        self.assertEqual(answer.status_code, 429)
