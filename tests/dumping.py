"""All that the database holds, as text: what is searched for something that must be gone."""

from io import StringIO

from django.core.management import call_command

from incoming_email.models import InboundEmail, SeriesPart


def dump() -> str:
    """In lower case; bytes, which a dump has in base64, once more as text."""
    out = StringIO()
    call_command("dumpdata", stdout=out)
    raw = [bytes(row.raw).decode(errors="replace") for row in InboundEmail.objects.all()]
    raw += [bytes(row.content).decode(errors="replace") for row in SeriesPart.objects.all()]
    return (out.getvalue() + "".join(raw)).lower()
