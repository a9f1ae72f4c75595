"""Storage in a bucket of an S3-compatible service.

Reading goes through pyarrow's own client (ranges, no copies); writing and deleting through boto3, since what makes them safe is
beyond pyarrow: conditional writes (``If-None-Match``, ``If-Match``), former versions, unfinished multipart uploads.

The address is ``s3://bucket/prefix``, with ``?endpoint_override=host:port&scheme=http&region=name`` where it is not Amazon's
(the words are pyarrow's). Credentials come from where both clients look for them: ``AWS_ACCESS_KEY_ID`` and
``AWS_SECRET_ACCESS_KEY``, a profile, the machine's role. They may not stand in the address, which people see.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pyarrow as pa
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pyarrow import fs

from datasets_app.pipeline.errors import StorageError
from datasets_app.pipeline.storage import StoredFile

_WORDS = {"endpoint_override", "scheme", "region"}
_PART = 32 << 20  # bytes of an upload sent at a time
_AT_ONCE = 1000  # objects that one request may delete (the service's limit)
_ATTEMPTS = 5  # of each request, with growing pauses
_REFUSED = {"PreconditionFailed", "ConditionalRequestConflict"}
_MISSING = {"NoSuchKey", "NotFound", "404"}


@cache
def _session() -> boto3.Session:
    """One a process: the description of the service takes a second to read, and credentials that expire are renewed in it."""
    return boto3.Session()


@dataclass(frozen=True)
class Bucket:
    """A prefix in a bucket. Made by ``at``.

    Attributes:
        bucket: Its name.
        prefix: What all names start with in the bucket: empty, or ending in ``/``.
        address: Without the service's host.
    """

    bucket: str
    prefix: str
    address: str
    _client: Any = field(repr=False, compare=False)
    _files: fs.S3FileSystem = field(repr=False, compare=False)

    @classmethod
    def at(cls, address: str) -> "Bucket":
        """The storage at ``address``. Nothing is asked of the service yet.

        Raises:
            StorageError: It is no such address; says why.
        """
        parts = urlsplit(address)
        words = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if parts.scheme != "s3" or not parts.hostname:
            raise StorageError("A bucket is named as s3://bucket/prefix.")
        if parts.username or parts.password:
            raise StorageError(
                "Credentials may not stand in an address: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
            )
        if unknown := words.keys() - _WORDS:
            raise StorageError(f"The address of a bucket does not know {sorted(unknown)}: only {sorted(_WORDS)}.")
        prefix = parts.path.strip("/")
        scheme = words.get("scheme", "https")
        endpoint = words.get("endpoint_override")
        region = words.get("region", "us-east-1")
        session = _session()
        credentials = session.get_credentials()
        frozen = credentials.get_frozen_credentials() if credentials else None
        own = {"endpoint_override": endpoint, "scheme": scheme} if endpoint else {}
        return cls(
            bucket=parts.hostname,
            prefix=f"{prefix}/" if prefix else "",
            address=f"s3://{parts.hostname}/{prefix}".rstrip("/"),
            _client=session.client(
                "s3",
                region_name=region,
                endpoint_url=f"{scheme}://{endpoint}" if endpoint else None,
                config=Config(
                    retries={"max_attempts": _ATTEMPTS, "mode": "standard"}, connect_timeout=10, read_timeout=60
                ),
            ),
            _files=fs.S3FileSystem(
                access_key=frozen.access_key if frozen else None,
                secret_key=frozen.secret_key if frozen else None,
                session_token=frozen.token if frozen else None,
                region=region,
                connect_timeout=10,
                request_timeout=60,
                **own,
            ),
        )

    def open(self, name: str) -> pa.NativeFile:
        """See ``Storage``."""
        try:
            return self._files.open_input_file(f"{self.bucket}/{self.prefix}{name}")
        except FileNotFoundError:
            raise
        except OSError as error:
            raise self._failed(error) from error

    def files(self, prefix: str = "") -> Iterator[StoredFile]:
        """See ``Storage``."""
        for item in self._pages("list_objects_v2", "Contents", prefix):
            yield StoredFile(item["Key"].removeprefix(self.prefix), item["Size"])

    def size(self, name: str) -> int | None:
        """See ``Storage``."""
        found = self._ask("head_object", missing=True, Key=self.prefix + name)
        return None if found is None else int(found["ContentLength"])

    def put(self, name: str, path: Path) -> None:
        """See ``Storage``. Large files go up in parts, each with a checksum that the service compares."""
        how = TransferConfig(multipart_threshold=_PART, multipart_chunksize=_PART, max_concurrency=4)
        try:
            self._client.upload_file(
                str(path), self.bucket, self.prefix + name, Config=how, ExtraArgs={"ChecksumAlgorithm": "SHA256"}
            )
        except (ClientError, BotoCoreError, boto3.exceptions.S3UploadFailedError) as error:
            raise self._failed(error) from error

    def create(self, name: str, data: bytes) -> bool:
        """See ``Storage``."""
        return self._ask("put_object", Key=self.prefix + name, Body=data, IfNoneMatch="*") is not None

    def replace(self, name: str, before: bytes, data: bytes) -> bool:
        """See ``Storage``."""
        there = self._ask("get_object", missing=True, Key=self.prefix + name)
        if there is None or there["Body"].read() != before:
            return False
        return self._ask("put_object", Key=self.prefix + name, Body=data, IfMatch=there["ETag"]) is not None

    def delete(self, names: Iterable[str]) -> int:
        """See ``Storage``. In a bucket that keeps versions, every version and every mark of a deletion goes."""
        deleted = 0
        for name in names:
            key = self.prefix + name
            going = [
                {"Key": item["Key"], "VersionId": item["VersionId"]}
                for kind in ("Versions", "DeleteMarkers")
                for item in self._pages("list_object_versions", kind, name)
                if item["Key"] == key
            ]
            self._delete(going)
            deleted += bool(going)
        return deleted

    def sweep(self) -> int:
        """See ``Storage``. Uploads that were begun and never ended, and versions whose file was deleted or replaced."""
        uploads = list(self._pages("list_multipart_uploads", "Uploads"))
        for upload in uploads:
            self._ask("abort_multipart_upload", missing=True, Key=upload["Key"], UploadId=upload["UploadId"])
        former = [
            {"Key": item["Key"], "VersionId": item["VersionId"]}
            for kind in ("Versions", "DeleteMarkers")
            for item in self._pages("list_object_versions", kind)
            if kind == "DeleteMarkers" or not item["IsLatest"]
        ]
        self._delete(former)
        return len(uploads) + len(former)

    def _delete(self, objects: list[dict[str, str]]) -> None:
        waiting = iter(objects)
        while batch := list(islice(waiting, _AT_ONCE)):
            answer = self._ask("delete_objects", Delete={"Objects": batch, "Quiet": True})
            if errors := (answer or {}).get("Errors"):
                raise StorageError(
                    f"{len(errors)} files could not be deleted from {self.address}: {errors[0].get('Code')}. "
                    "See that the account may delete objects and their versions, then try again."
                )

    def _pages(self, operation: str, items: str, prefix: str = "") -> Iterator[dict[str, Any]]:
        try:
            for page in self._client.get_paginator(operation).paginate(Bucket=self.bucket, Prefix=self.prefix + prefix):
                yield from page.get(items, [])
        except (ClientError, BotoCoreError) as error:
            raise self._failed(error) from error

    def _ask(self, operation: str, missing: bool = False, **arguments: Any) -> dict[str, Any] | None:
        """The service's answer; ``None`` where a condition was not met, or, with ``missing``, where there is no such file."""
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(Bucket=self.bucket, **arguments)
            return answer
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code")
            if code in _REFUSED or (missing and code in _MISSING):
                return None
            raise self._failed(error) from error
        except BotoCoreError as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> StorageError:
        return StorageError(
            f"The storage at {self.address} refused or did not answer: {error}. "
            "See that the bucket is there and the credentials may use it, then try again."
        )
