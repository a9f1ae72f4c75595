"""A real S3-compatible server (moto's) on loopback, in a process of its own."""

import contextlib
import os
import re
import subprocess
import sys
import uuid
from typing import Any
from unittest.mock import patch

import boto3

KEYS = {"AWS_ACCESS_KEY_ID": "fairstack", "AWS_SECRET_ACCESS_KEY": "only-for-tests"}
PROGRAM = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print("port", server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


class S3Server:
    """Starts the server; gives fresh buckets and their addresses. ``stop`` ends it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | KEYS,
        )
        assert self._process.stdout is not None
        found = None
        while found is None:
            line = self._process.stdout.readline()
            assert line, "the S3 server did not start"
            found = re.match(r"port (\d+)", line)
        self.host = f"127.0.0.1:{found[1]}"
        self._keys = patch.dict(os.environ, KEYS)
        self._keys.start()
        self.client: Any = boto3.client("s3", endpoint_url=f"http://{self.host}", region_name="us-east-1")

    def address(self, prefix: str = "mirror", versions: bool = False) -> str:
        """The address of a prefix in a new bucket."""
        bucket = f"b-{uuid.uuid4().hex[:12]}"
        self.client.create_bucket(Bucket=bucket)
        if versions:
            self.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        return f"s3://{bucket}/{prefix}?endpoint_override={self.host}&scheme=http"

    def stop(self) -> None:
        self._keys.stop()
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()  # type: ignore[union-attr]
