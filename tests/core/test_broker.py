"""The filesystem broker: who reads while others write gets every message, whole, once, and in order."""

import tempfile
import threading
from pathlib import Path
from queue import Empty

from celery import current_app
from django.test import SimpleTestCase
from kombu import Connection

from core.broker import Channel, Transport

MESSAGES, WRITERS = 1500, 2


class BrokerTest(SimpleTestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name, "messages")
        self.folder.mkdir()

    def channel(self):
        options = {
            "data_folder_in": str(self.folder),
            "data_folder_out": str(self.folder),
            "control_folder": str(self.folder.parent / "control"),
        }
        connection = Connection("filesystem://", transport=Transport, transport_options=options)
        self.addCleanup(connection.release)
        return connection.channel()

    def test_the_site_uses_it(self):
        if current_app.conf.broker_url.startswith("filesystem"):
            with current_app.connection_for_write() as connection:
                self.assertIsInstance(connection.channel(), Channel)

    def test_a_reader_among_writers_never_sees_half_a_message(self):
        def write(writer, channel):
            for number in range(MESSAGES):
                channel._put("default", {"writer": writer, "number": number, "body": "x" * 3000})

        threads = [threading.Thread(target=write, args=(writer, self.channel())) for writer in range(WRITERS)]
        for thread in threads:
            thread.start()
        reader, seen = self.channel(), []
        while len(seen) < MESSAGES * WRITERS:
            try:
                seen.append(reader._get("default"))
            except Empty:
                if not any(thread.is_alive() for thread in threads) and not list(self.folder.iterdir()):
                    break
        for thread in threads:
            thread.join()
        self.assertEqual(
            {(message["writer"], message["number"]) for message in seen},
            {(writer, number) for writer in range(WRITERS) for number in range(MESSAGES)},
        )
        self.assertEqual(len(seen), MESSAGES * WRITERS)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_nothing_can_be_taken_while_a_message_is_being_made(self):
        reader = self.channel()

        class Slow:
            def __json__(self):
                with self_test.assertRaises(Empty):  # kombu's own gives an empty file here, and the reader dies of it
                    reader._get("default")
                return "done"

        self_test = self
        self.channel()._put("default", {"value": Slow()})
        self.assertEqual(reader._get("default"), {"value": "done"})

    def test_queues_are_kept_apart(self):
        channel = self.channel()
        channel._put("gpu", {"for": "gpu"})
        with self.assertRaises(Empty):
            channel._get("default")
        self.assertEqual(channel._get("gpu"), {"for": "gpu"})

    def test_what_a_killed_writer_left_is_no_message(self):
        (self.folder / "1_2.default.part").write_text('{"half": ')
        with self.assertRaises(Empty):
            self.channel()._get("default")
