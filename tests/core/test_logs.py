"""What was looked up, and who looked, reaches no log."""

import logging
from io import StringIO

from django.test import RequestFactory, TestCase

from core.logs import WithoutPaths
from core.middleware import RequestLog


class LogTests(TestCase):
    def test_a_request_line_names_the_route_and_not_the_address(self) -> None:
        request = RequestFactory().get("/search", {"q": "somebody"})
        self.assertNotIn("somebody", RequestLog.format_request(request))
        missing = RequestFactory().get("/no/such/somebody/at-all/here")
        self.assertEqual(RequestLog.format_request(missing), "GET /(no such page)")

    def test_djangos_own_warnings_lose_the_address(self) -> None:
        stream = StringIO()
        handler = logging.StreamHandler(stream)
        handler.addFilter(WithoutPaths())
        logger = logging.getLogger("django.request")
        level = logger.level
        logger.setLevel(logging.WARNING)
        logger.addHandler(handler)
        try:
            self.client.get("/no/such/somebody/at-all/here")
        finally:
            logger.removeHandler(handler)
            logger.setLevel(level)
        self.assertIn("Not Found: (address withheld)", stream.getvalue())
        self.assertNotIn("somebody", stream.getvalue())
