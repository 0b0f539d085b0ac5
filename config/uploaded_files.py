"""Who may upload a file by the pages: staff, and no larger one than a message may be."""

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler


class UploadGuard(FileUploadHandler):
    """The first handler. Files of a form are read before a view or its form token is asked, and
    Django limits none: a stranger could fill the disk."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: Any,  # noqa: N803  (Django's name)
        content_length: int,
        *args: Any,
        **more: Any,
    ) -> None:
        """Raises RequestDataTooBig."""
        most = settings.MAX_MESSAGE_BYTES + settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if content_length > most:
            raise RequestDataTooBig(f"A form has {content_length} bytes; {most} are the limit.")

    def new_file(self, *args: Any, **more: Any) -> None:
        """Raises RequestDataTooBig before the first byte of a file is kept."""
        super().new_file(*args, **more)
        user = getattr(self.request, "user", None)
        if user is None or not (user.is_active and user.is_staff):
            raise RequestDataTooBig("A file of somebody who is no staff.")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """The next handler has it."""
