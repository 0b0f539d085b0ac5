"""Files of issues, merge requests and notes, for those who may read what they hang on."""

from django.http import FileResponse, Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from issues.models import Upload
from issues.permissions import Person
from issues.uploads import inline_types, open_upload

CACHE_SECONDS = 300


@require_safe
@cache_control(private=True, max_age=CACHE_SECONDS)
def upload(request: HttpRequest, secret: str, filename: str) -> FileResponse:
    """Pictures of four kinds are shown; all else is a download of no type that can run."""
    found = get_object_or_404(
        Upload.objects.select_related(
            "issue",
            "merge_request",
            "note__issue__project",
            "note__merge_request__project",
        ),
        secret=secret,
    )
    if found.filename != filename or not _may_read(request.user, found):
        raise Http404
    return serve_upload(found)


def serve_upload(found: Upload) -> FileResponse:
    """To whom may read it: that was asked before. Raises Http404 where the file was lost."""
    try:
        file = open_upload(found)
    except FileNotFoundError as error:
        raise Http404 from error
    content_type = found.content_type.lower()
    inline = content_type in inline_types
    response = FileResponse(
        file,
        as_attachment=not inline,
        filename=found.filename,
        content_type=content_type if inline else "application/octet-stream",
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def _may_read(user: Person, found: Upload) -> bool:
    """A file of nothing is nobody's."""
    if found.note:
        item = found.note.item
        if found.note.internal and not user.has_perm("issues.read_internal", item.project):
            return False
        return user.has_perm("issues.read_item", item)
    return user.has_perm("issues.read_item", found.issue or found.merge_request)
