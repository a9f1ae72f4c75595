"""What is handed in to be looked up stays in memory: no temporary file, no session, no log; and it is bounded while it arrives."""

from collections.abc import Callable
from functools import wraps
from io import BytesIO
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import InMemoryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt, csrf_protect

READ_ON = (
    20_000_000  # bytes of a body that is too large and is yet read to its end, so that the browser sees the answer
)


class InMemory(FileUploadHandler):
    """Takes a file into memory, up to a limit."""

    def __init__(self, request: HttpRequest, largest: int) -> None:
        super().__init__(request)
        self.largest = largest

    def handle_raw_input(self, input_data: Any, META: dict[str, str], content_length: int, *args: Any) -> None:
        """Refuse at once what is far too large."""
        self.length = content_length

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """A file begins."""
        super().new_file(*args, **kwargs)
        self.file = BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """A part of it came."""
        if start + len(raw_data) > self.largest:
            too_large(self.request)
            raise StopUpload(connection_reset=self.length > READ_ON)
        self.file.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile:
        """It is whole."""
        self.file.seek(0)
        return InMemoryUploadedFile(
            self.file,
            self.field_name,
            self.file_name,
            self.content_type,
            file_size,
            self.charset,
            self.content_type_extra,
        )


def in_memory(largest: int) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Let a view have files of up to ``largest`` bytes in memory alone. Where more was sent, ``is_too_large`` says so.

    Its CSRF token is checked after the handler is in place. Where the body was not read to its end there may be none: the view then
    says that it was too large, and does nothing else.
    """

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        checked = csrf_protect(view)

        @csrf_exempt
        @wraps(view)
        def bounded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            request.upload_handlers = [InMemory(request, largest)]
            try:
                _ = request.POST
            except RequestDataTooBig:
                too_large(request)
            return (view if is_too_large(request) else checked)(request, *args, **kwargs)

        return bounded

    return decorate


def too_large(request: HttpRequest | None) -> None:
    """Note that more was sent than is taken."""
    if request is not None:
        request.fairstack_too_large = True  # type: ignore[attr-defined]


def is_too_large(request: HttpRequest) -> bool:
    """Whether more was sent than is taken."""
    return bool(getattr(request, "fairstack_too_large", False))


def handed_in(request: HttpRequest, text_field: str, file_field: str) -> bytes:
    """The bytes of the file, or of the text where no file was chosen. Browsers send every line end of a text as CRLF: those are LF."""
    file = request.FILES.get(file_field)
    if file is not None and (file.size or file.name):
        return file.read()
    return request.POST.get(text_field, "").replace("\r\n", "\n").encode("utf-8", "surrogatepass")
