"""A forge's web on loopback: who has which name and number, and which SSH keys an account publishes."""

import http.server
import json
import threading
from typing import Any

from django.test import override_settings


class WebForge:
    """``accounts`` maps numbers to logins, ``keys`` logins to texts; ``pages`` has further answers: bytes, or a function."""

    def __init__(self, case: Any, forge: str = "github.com", *, private: bool = True) -> None:
        self.accounts: dict[str, str] = {}
        self.websites: dict[str, str] = {}
        self.keys: dict[str, str] = {}
        self.pages: dict[str, Any] = {}
        self.asked: list[str] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                outer.answer(self)

            def log_message(self, *args: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        case.addCleanup(server.server_close)
        case.addCleanup(server.shutdown)
        self.port = server.server_port
        self.address = f"http://127.0.0.1:{self.port}"
        overridden = override_settings(
            FAIRSTACK_ACCOUNTS={forge: f"{self.address}/users/{{owner}}"},
            FAIRSTACK_ACCOUNT_NUMBERS={forge: f"{self.address}/user/{{number}}"},
            FAIRSTACK_SSH_KEYS={forge: f"{self.address}/{{owner}}.keys"},
            FAIRSTACK_PRIVATE_HOSTS=[f"127.0.0.1:{self.port}"] if private else [],
        )
        overridden.enable()
        case.addCleanup(overridden.disable)

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        """One answer."""
        path = handler.path
        if path in self.pages:
            found = self.pages[path]
            if callable(found):
                found(handler)
                return
            self._send(handler, 200, found)
        elif path.endswith(".keys") and path[1:-5].casefold() in self.keys:
            self._send(handler, 200, self.keys[path[1:-5].casefold()].encode())
        elif path.startswith("/users/"):
            login = path.removeprefix("/users/").casefold()
            self._account(handler, next((n for n, name in self.accounts.items() if name.casefold() == login), None))
        elif path.startswith("/user/"):
            self._account(handler, path.removeprefix("/user/"))
        else:
            self._send(handler, 404, b"{}")

    def _account(self, handler: http.server.BaseHTTPRequestHandler, number: str | None) -> None:
        if number not in self.accounts:
            self._send(handler, 404, b"{}")
            return
        told = {"id": int(number), "login": self.accounts[number], "blog": self.websites.get(number, "")}
        self._send(handler, 200, json.dumps(told).encode())

    def _send(self, handler: http.server.BaseHTTPRequestHandler, status: int, body: bytes) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
