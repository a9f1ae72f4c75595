"""Unmodified clients against a real server: hf, huggingface_hub, transformers, curl."""

import http.client
import json
import socket
import subprocess
import sys
from pathlib import Path

from core import tokens
from core.permissions import SYSTEM
from modelzoo.services import tag_revision, withdraw_acceptance, withdraw_revision
from tests.base import make_user
from tests.modelzoo.base import checkpoint
from tests.modelzoo.server import ServerCase

HF = str(Path(sys.executable).parent / "hf")


class ClientTests(ServerCase):
    def setUp(self) -> None:
        super().setUp()
        self.user = make_user()
        self.accept(self.user)
        self.plain = self.token(self.user)

    def test_huggingface_hub(self):
        gone = self.publish(seed=1)
        current = self.publish(seed=2)
        tag_revision(SYSTEM, self.revision, "v1/rc")
        withdraw_revision(SYSTEM, gone, "It repeats secrets.")
        left = make_user("eve")
        self.accept(left)
        withdraw_acceptance(left, self.model)
        row, revoked = tokens.issue(self.user, "old", ["read"])
        tokens.revoke(row, self.user)
        told = {
            "accepted": self.plain,
            "bob": self.token(make_user("bob")),
            "withdrawn": self.token(left),
            "revoked": revoked,
            "sha": self.revision.sha,
            "gone": gone.sha,
        }
        ran = self.run_client([sys.executable, "-m", "tests.modelzoo.ask_hub", json.dumps(told)])
        self.assertEqual(ran.returncode, 0, ran.stderr[-3000:])
        said = json.loads(ran.stdout.splitlines()[-1])
        sizes = {file.path: file.size for file in current.files.all()}
        expected = {
            "snapshot": sizes,
            "snapshot_folder": current.sha,
            "verified": [0, 0, len(sizes)],
            "info": ["fairstack/demo", current.sha, "auto", "text-generation", "transformers", "bigcode-openrail-m"],
            "sizes": sizes,
            "exists": [True, False],
            "file_exists": [True, False],
            "revision_exists": [True, False],
            "tags": [["v1/rc", self.revision.sha]],
            "tree": sorted(sizes),
            "paths": ["config.json"],
            "list": ["fairstack/demo"],
            "whoami": "ada",
            "parameters": {"F32": 11184},
            "filesystem": (checkpoint(2) / "model.safetensors").read_bytes()[100:150].hex(),
            "slash": "config.json",
            "commit": "config.json",
            "fetch_accepted": "config.json",
            "absence_is_cached": True,
        }
        for question, answer in expected.items():
            with self.subTest(question):
                self.assertEqual(said[question], answer)
        for question, *words in (
            ("fetch_bob", "GatedRepoError: 403", f"{self.endpoint}/models/fairstack/demo/licence"),
            ("fetch_withdrawn", "GatedRepoError: 403"),
            ("fetch_anonymous", "GatedRepoError: 401"),
            ("fetch_revoked", "Invalid credentials in Authorization header"),
            ("whoami_revoked", "Invalid user token"),
            ("no_file", "RemoteEntryNotFoundError"),
            ("no_revision", "RevisionNotFoundError", "Invalid rev id: none"),
            ("no_commit", "RevisionNotFoundError"),
            ("no_repo", "RepositoryNotFoundError"),
            ("gone", "RevisionNotFoundError: 410", "It repeats secrets."),
            ("gone_snapshot", "RevisionNotFoundError: 410", "It repeats secrets."),
        ):
            for each in words:
                with self.subTest(question):
                    self.assertIn(each, said[question])
        self.assertIsNone(said["auth"][0])
        self.assertIn("GatedRepoError", said["auth"][1])

    def test_the_hf_command_downloads_after_acceptance_and_not_before(self):
        target = self.data / "tmp" / "downloaded"
        command = [HF, "download", "fairstack/demo", "--local-dir", str(target)]
        refused = self.run_client(command, self.token(make_user("bob")))
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("Access denied. Model 'fairstack/demo' requires approval", refused.stdout + refused.stderr)
        ran = self.run_client(command, self.plain)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        for name in ("model.safetensors", "config.json", "tokenizer.json"):
            self.assertEqual((target / name).read_bytes(), (checkpoint() / name).read_bytes())
        self.assertIn("license: bigcode-openrail-m", (target / "README.md").read_text())

    def test_transformers(self):
        ran = self.run_client([sys.executable, "-m", "tests.modelzoo.load_model"], self.plain)
        self.assertEqual(ran.returncode, 0, ran.stderr[-3000:])
        self.assertEqual(
            json.loads(ran.stdout.splitlines()[-1]),
            {
                "class": "GPTBigCodeForCausalLM",
                "parameters": 11184,
                "missing": [],
                "unexpected": [],
                "roundtrip": "def f(",
                "written": 5,
                "task": "text-generation",
                "completed": "x = ",
            },
        )

    def test_curl_resumes_where_it_was_cut(self):
        content = (checkpoint() / "model.safetensors").read_bytes()
        target = self.data / "tmp" / "weights"
        target.write_bytes(content[:1000])
        address = f"{self.endpoint}/fairstack/demo/resolve/main/model.safetensors"
        auth = f"Authorization: Bearer {self.plain}"
        subprocess.run(["curl", "-fsS", "-C", "-", "-H", auth, "-o", str(target), address], check=True, timeout=30)
        self.assertEqual(target.read_bytes(), content)

    def test_one_connection_carries_head_range_and_whole_file_in_turn(self):
        content = (checkpoint() / "model.safetensors").read_bytes()
        host = self.endpoint.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=20)
        self.addCleanup(connection.close)
        auth = {"Authorization": f"Bearer {self.plain}"}
        asked = [
            ("HEAD", {}, 200, b""),
            ("GET", {"Range": "bytes=100-199"}, 206, content[100:200]),
            ("GET", {"Range": f"bytes={len(content)}-"}, 416, None),
            ("HEAD", {"Range": "bytes=0-1"}, 200, b""),
            ("GET", {"Accept-Encoding": "gzip"}, 200, content),
            ("GET", {"Range": "bytes=-5"}, 206, content[-5:]),
        ]
        for method, headers, status, body in asked:
            with self.subTest(f"{method} {headers}"):
                connection.request(method, "/fairstack/demo/resolve/main/model.safetensors", headers=auth | headers)
                response = connection.getresponse()
                read = response.read()
                self.assertEqual(response.status, status)
                if body is not None:
                    self.assertEqual(read, body)
                    expected = len(content) if method == "HEAD" else len(body)
                    self.assertEqual(response.headers["Content-Length"], str(expected))
                self.assertIsNone(response.headers["Content-Encoding"])

    def test_paths_that_climb_get_nothing(self):
        auth = f"Authorization: Bearer {self.plain}\r\n"
        for path in (
            "/fairstack/demo/resolve/main/../../../../../etc/passwd",
            "/fairstack/demo/resolve/main/..%2f..%2f..%2fetc%2fpasswd",
            "/fairstack/demo/resolve/main//etc/passwd",
            "/fairstack/demo/resolve/main/%2e%2e/%2e%2e/db/fairstack.sqlite3",
            "/fairstack/demo/resolve/main/config.json%00.txt",
        ):
            with self.subTest(path), socket.create_connection(self.endpoint[7:].split(":"), timeout=20) as raw:
                raw.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{auth}Connection: close\r\n\r\n".encode())
                answer = b"".join(iter(lambda raw=raw: raw.recv(65536), b""))
                self.assertIn(b" 404 ", answer.split(b"\r\n")[0])
                self.assertIn(b"X-Error-Code: EntryNotFound", answer)
