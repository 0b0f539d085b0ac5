"""Mails of more than one part, as bytes."""

from tests.incoming_email.world import make_mail


def make_mail_with_file(*, to: str, sender: str, filename: str = "a.txt", **headers: str) -> bytes:
    """The text `See the file.`, and a file of five bytes."""
    fields = {"Content_Type": "multipart/mixed; boundary=b", "MIME_Version": "1.0"} | headers
    text = "--b\r\nContent-Type: text/plain\r\n\r\nSee the file."
    file = f'--b\r\nContent-Disposition: attachment; filename="{filename}"\r\n\r\nhello\r\n--b--'
    return make_mail(to=to, sender=sender, body=f"{text}\r\n{file}", **fields)
