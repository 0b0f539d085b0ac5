"""Mails that bring patches, as people and programs send them."""

from email import message_from_bytes, policy
from email.message import EmailMessage

from tests.incoming_email.world import World, make_mail


def attach(
    world: World, patches: list[bytes], *, subject: str = "fix", body: str = "", **more: object
) -> bytes:
    """A mail with these files; `names`, `user` and `to` may be given."""
    user = more.get("user") or world.member
    names = more.get("names") or [f"{n:04}-it.patch" for n in range(1, len(patches) + 1)]
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = user.email
    message["To"] = more.get("to") or world.merge_request_address(user)
    message["Subject"] = subject
    message["Message-ID"] = f"<{next(_numbers)}.attached@example.com>"
    message.set_content(body or "\n")
    for name, patch in zip(names, patches, strict=True):
        message.add_attachment(patch, "text", "x-patch", filename=name)
    return message.as_bytes()


def send_email(world: World, patch: bytes, **headers: str) -> bytes:
    """What `git send-email` makes of a file of `git format-patch`."""
    parsed = message_from_bytes(patch)
    if parsed.get("To") is None:
        parsed["To"] = world.merge_request_address()
    if parsed.get("Message-ID") is None:
        parsed["Message-ID"] = f"<{next(_numbers)}.git@example.com>"
    for name, value in headers.items():
        del parsed[name.replace("_", "-")]
        parsed[name.replace("_", "-")] = value
    text = parsed.as_bytes(policy=policy.compat32.clone(max_line_length=0))
    return text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def inline(world: World, patch: bytes, **headers: str) -> bytes:
    """The text of a patch behind header fields of a mail program."""
    given = {"subject": "[PATCH] Oil the hinge 3"} | headers
    body = patch.partition(b"\n\n")[2].decode()
    return make_mail(
        to=world.merge_request_address(),
        sender=world.member.email,
        body=body.replace("\n", "\r\n"),
        **given,
    )


_numbers = iter(range(1, 10**9))
