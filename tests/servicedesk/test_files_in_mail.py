"""Files and pictures of comments in mail to customers: there, in their place, and no others."""

import re
from email.message import EmailMessage

import pytest
from django.conf import settings
from django.urls import reverse

from issues import services
from issues.models import Note, Project, Role, Upload, Visibility
from issues.uploads import NewFile
from servicedesk.attaching import attach
from servicedesk.models import Participant
from tests.factories import MembershipFactory
from tests.issues.picture_samples import make_png
from tests.servicedesk.world import (
    CUSTOMER,
    PROVEN,
    answer,
    as_received,
    make_desk,
    sent_to,
)

pytestmark = pytest.mark.django_db(transaction=True)

PNG = make_png()


@pytest.fixture
def desk():
    return make_desk()


@pytest.fixture
def ticket(desk):
    return desk.open_ticket(**PROVEN)


def make_file(name="report.pdf", content=b"%PDF", content_type="application/pdf"):
    return NewFile(name, content_type, content, f"test-{name}-{len(content)}")


def note_with_file(desk, ticket, *, internal=False, **fields):
    note = services.create_note(
        item=ticket,
        author=desk.agent,
        body="Look",
        internal=internal,
        files=[make_file(**fields)],
    )
    return note.uploads.get()


def link_of(upload, *, site=""):
    return f"{site}/uploads/{upload.secret}/{upload.filename}"


def comment(ticket, author, body):
    services.create_note(item=ticket, author=author, body=body)
    return sent_to(CUSTOMER)[-1]


def files_in(mail):
    return [part.get_filename() for part in as_received(mail).iter_attachments()]


@pytest.mark.parametrize(
    ("form", "site"),
    [
        ("[the report]({})", ""),
        ("![the report]({})", ""),
        ("[the report]({})", settings.BASE_URL),
        ("See {} please", settings.BASE_URL),
        ("<{}>", settings.BASE_URL),
    ],
)
def test_a_file_of_another_note_that_an_agent_names_is_attached(desk, ticket, form, site):
    link = link_of(note_with_file(desk, ticket), site=site)
    mail = comment(ticket, desk.agent, form.format(link))
    assert files_in(mail) == ["report.pdf"]
    assert "/uploads/" not in mail.text + mail.html


def test_a_file_of_the_opening_mail_and_one_of_an_internal_note(desk, ticket):
    upload = note_with_file(desk, ticket, internal=True, name="inside.pdf")
    first = Upload.objects.create(
        project=ticket.project,
        issue=ticket,
        secret="a" * 32,
        filename="first.pdf",
        content_type="application/pdf",
        size=4,
    )
    mail = comment(ticket, desk.agent, f"[a]({link_of(first)}) and [b]({link_of(upload)})")
    assert sorted(mail.uploads) == sorted([first.pk, upload.pk]), "the agent's decision"


def test_large_ones_are_links_that_the_customer_can_open(client, desk, ticket, settings):
    upload = note_with_file(desk, ticket)
    settings.DESK_ATTACHED_BYTES = 3
    mail = comment(ticket, desk.agent, f"See {link_of(upload, site=settings.BASE_URL)}")
    (address,) = re.findall(r"\[report\.pdf\]\(http://[^/]+(/[^)]+)\)", mail.text)
    assert b"".join(client.get(address).streaming_content) == b"%PDF"
    assert mail.uploads == []


def test_neither_other_tickets_nor_what_others_name(desk, ticket):
    other = desk.open_ticket("dora@customer.example", subject="Another")
    theirs = note_with_file(desk, other, name="theirs.pdf")
    inside = note_with_file(desk, ticket, internal=True, name="inside.pdf")
    text = f"[a]({link_of(theirs)}) [b]({link_of(inside)})"
    assert files_in(comment(ticket, desk.agent, text)) == ["inside.pdf"]
    guest = MembershipFactory(project=desk.project, role=Role.GUEST).user
    Project.objects.update(visibility=Visibility.PRIVATE)
    ticket.refresh_from_db()
    services.set_confidential(item=ticket, actor=desk.agent, confidential=False)
    assert files_in(comment(ticket, guest, text)) == []
    desk.receive(answer(sent_to(CUSTOMER)[0], body=text))
    note = Note.objects.latest("pk")
    assert note.external_author == CUSTOMER
    assert attach(note).upload_ids == []


def test_welcome_mail_links_the_files_of_the_opening_mail(client, desk):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = CUSTOMER, desk.address, "Broken"
    message["Message-ID"] = "<with-file@customer.example>"
    message["Authentication-Results"] = PROVEN["Authentication_Results"]
    message.set_content("My shop is down")
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="order.pdf")
    issue = desk.receive(message.as_bytes()).issue
    client.force_login(desk.agent)
    url = reverse("participant-add", args=[issue.project.path, issue.iid])
    client.post(url, {"addresses": "ann@x.example"})
    (welcome,) = sent_to("ann@x.example")
    (address,) = re.findall(r"\[order\.pdf\]\(http://[^/]+(/[^)]+)\)", welcome.text)
    client.logout()
    assert b"".join(client.get(address).streaming_content) == b"%PDF"


def reply_with_picture(desk, ticket, *, content=PNG):
    """As mail programs write it: text, picture, text, in HTML of its own."""
    services.assign(item=ticket, actor=desk.agent, users=[desk.agent])
    desk.receive(answer(sent_to(CUSTOMER)[0], body="Any news?"))
    told = sent_to(desk.agent.email)[-1]
    message = EmailMessage()
    message["From"], message["To"] = desk.agent.email, told.headers["Reply-To"]
    message["Subject"], message["Message-ID"] = told.subject, "<picture@example.com>"
    message["In-Reply-To"] = f"<{told.message_id}>"
    message.set_content("Press this button:\n\n[cid:button@x]\n\nThen wait.")
    message.add_alternative(
        '<p>Press this button:</p><p><img src="cid:button@x" alt="the button"></p>'
        "<p>Then wait.</p>",
        subtype="html",
    )
    html = message.get_payload()[1]
    html.add_related(
        content, maintype="image", subtype="png", cid="<button@x>", filename="button.png"
    )
    row = desk.receive(message.as_bytes())
    assert row.note is not None, row.reason
    return row.note


def test_a_picture_keeps_its_place(desk, ticket):
    reply_with_picture(desk, ticket)
    mail = sent_to(CUSTOMER)[-1]
    received = as_received(mail)
    html = received.get_body(("html",)).get_content()
    before, picture, after = re.fullmatch(
        r"(.*)<img src=\"cid:([^\"]+)\"[^>]*>(.*)", html, re.DOTALL
    ).groups()
    assert "Press this button" in before
    assert "Then wait" in after
    assert "/uploads/" not in html
    (related,) = [p for p in received.walk() if p.get_content_type() == "multipart/related"]
    _html, shown = related.get_payload()
    assert shown["Content-ID"] == f"<{picture}>"
    assert (shown.get_content(), shown.get_content_disposition()) == (PNG, "inline")
    assert files_in(mail) == []
    text = received.get_body(("plain",)).get_content()
    assert text.index("Press") < text.index("button.png") < text.index("Then wait")


def test_quotes_in_the_words_of_a_picture_stay_words(desk, ticket):
    upload = note_with_file(desk, ticket, name="a.png", content=PNG, content_type="image/png")
    mail = comment(ticket, desk.agent, f'![a" onerror="x]({link_of(upload)})')
    assert 'alt="a&quot; onerror=&quot;x"' in mail.html


def test_our_remark_on_metadata_is_said_to_the_team_alone(desk, ticket):
    note = reply_with_picture(desk, ticket, content=PNG[:-8])
    mail = sent_to(CUSTOMER)[-1]
    assert "Then wait" in mail.text
    assert not any("etadata" in row.text + row.html for row in sent_to(CUSTOMER))
    assert "etadata" not in note.body
    (remark,) = [n.body for n in ticket.notes.filter(system=True) if "etadata" in n.body]
    assert remark.startswith("sent files that are not kept as they came. Metadata could not be")
    assert "button.png" in remark.replace("\\", "")


def test_what_is_left_out_is_said_to_the_team_alone(desk, ticket, settings):
    settings.MAX_UPLOAD_BYTES = 3
    services.create_note(item=ticket, author=desk.agent, body="Here it is", files=[make_file()])
    assert "Left out" not in sent_to(CUSTOMER)[-1].text
    assert ticket.notes.filter(system=True, body__contains="Left out").count() == 1
    assert Participant.objects.count() == 1


def test_in_an_internal_note_the_remark_stays_in_the_text(desk, ticket, settings):
    settings.MAX_UPLOAD_BYTES = 3
    services.create_note(
        item=ticket, author=desk.agent, body="Here", internal=True, files=[make_file()]
    )
    assert "Left out" in Note.objects.get(internal=True).body
    assert [row.kind for row in sent_to(CUSTOMER)] == ["desk_thank_you"]
