"""Quotes that mail programs mark in HTML, one real-looking mail each."""

import pytest

from incoming_email.parsing.html.markdown import split_html_reply
from incoming_email.parsing.replies.splitting import Split

WROTE = "On Mon, 15 Nov 2021 at 19:42, Bob &lt;bob@example.com&gt; wrote:"


def test_gmail():
    markup = (
        '<div dir="ltr">Yes, <b>do</b> it.<div><br></div><div>Ann</div></div><br>'
        f'<div class="gmail_quote"><div dir="ltr" class="gmail_attr">{WROTE}<br></div>'
        '<blockquote class="gmail_quote" style="margin:0 0 0 0.8ex">Shall I?</blockquote></div>'
    )

    assert split_html_reply(markup) == Split(
        "Yes, **do** it.\n\nAnn",
        "On Mon, 15 Nov 2021 at 19:42, Bob \\<bob@example.com\\> wrote:  \n> Shall I?",
    )


def test_gmail_point_by_point():
    markup = (
        f'<div class="gmail_quote"><div class="gmail_attr">{WROTE}<br></div>'
        '<blockquote class="gmail_quote">One?</blockquote><div>First.</div>'
        '<blockquote class="gmail_quote">Two?</blockquote><div>Second.</div></div>'
    )

    assert split_html_reply(markup).reply == "> One?\n\nFirst.\n> Two?\n\nSecond."


def test_gmail_signature():
    markup = '<div>Yes.</div><div class="gmail_signature"><p>Ann, <i>Example Ltd</i></p></div>'

    assert split_html_reply(markup) == Split("Yes.", "Ann, *Example Ltd*")


def test_outlook_on_the_web_in_an_unknown_language():
    markup = (
        '<div class="elementToProof">See below.</div><div id="appendonsend"></div>'
        '<hr tabindex="-1"><div id="divRplyFwdMsg"><b>Xxxx:</b> Bob<br><b>Yyyy:</b> x</div>'
        "<div>old text</div>"
    )

    assert split_html_reply(markup).reply == "See below."
    assert split_html_reply(markup).quoted.endswith("**Yyyy:** x\n\nold text")


def test_outlook_rule_above_the_header_block():
    markup = (
        '<div class="WordSection1"><p class="MsoNormal">Fine.<o:p></o:p></p><div><div style="'
        'border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"><p>'
        "<b>Xx:</b> Bob<br><b>Yy:</b> 15 Nov<br><b>Zz:</b> Ann</p></div></div><p>old</p></div>"
    )

    assert split_html_reply(markup) == Split(
        "Fine.", "**Xx:** Bob  \n**Yy:** 15 Nov  \n**Zz:** Ann\n\nold"
    )


def test_outlook_for_mac():
    markup = (
        '<div>Reply</div><span id="OLK_SRC_BODY_SECTION"><div><b>From: </b>Bob<br>'
        "<b>Subject: </b>x</div><div>Hi</div></span>"
    )

    assert split_html_reply(markup).reply == "Reply"


@pytest.mark.parametrize("prefix", ["", "x_", "x_x_"])
def test_outlook_answered_twice(prefix):
    markup = f'<p>New</p><div id="{prefix}divRplyFwdMsg"><b>Xx:</b> Bob</div><p>old</p>'

    assert split_html_reply(markup).reply == "New"


def test_apple_mail():
    markup = (
        '<body>Great!<div><br></div><div><blockquote type="cite"><div>On 15 Nov 2021, at 19:42, '
        "Bob &lt;bob@example.com&gt; wrote:</div><br><div>old</div></blockquote></div></body>"
    )

    assert split_html_reply(markup) == Split(
        "Great!", "> On 15 Nov 2021, at 19:42, Bob \\<bob@example.com\\> wrote:\n>\n> old"
    )


def test_ios_mail():
    markup = (
        '<div>Ok<br><br><div dir="ltr">Sent from my iPhone</div><div dir="ltr"><br>'
        '<blockquote type="cite">On 15 Nov 2021, at 19:42, Bob wrote:<br></blockquote></div>'
        '<blockquote type="cite"><div>old</div></blockquote></div>'
    )

    assert split_html_reply(markup).reply == "Ok"


def test_thunderbird_answer_below_the_quote():
    markup = (
        '<div class="moz-cite-prefix">Am 15.11.21 um 19:42 schrieb Bob:<br></div>'
        '<blockquote type="cite"><p>old</p></blockquote><p>My answer.</p>'
        '<div class="moz-signature">-- <br>Ann</div>'
    )

    assert split_html_reply(markup).reply == "My answer."


def test_thunderbird_in_an_unknown_language():
    markup = (
        '<p>Reply.</p><div class="moz-cite-prefix">Xyz qwe 15.11.21 abc Bob:<br></div>'
        '<blockquote type="cite"><p>old</p></blockquote>'
    )

    assert split_html_reply(markup) == Split("Reply.", "> Xyz qwe 15.11.21 abc Bob:  \n>\n> old")


def test_yahoo():
    markup = (
        '<div>Thanks</div><div id="yahoo_quoted_1" class="yahoo_quoted"><div>On Monday, November '
        "15, 2021, 07:42:00 PM GMT, Bob &lt;bob@example.com&gt; wrote:</div><div>old</div></div>"
    )

    assert split_html_reply(markup).reply == "Thanks"


def test_naver():
    markup = (
        "<p>네 알겠습니다.</p>"
        "<p>-----Original Message-----<br><b>From:</b> Bob &lt;b@example.com&gt;"
        "<br><b>To:</b> ann@example.com<br><b>Sent:</b> 2021-11-15 (월) 19:42:00<br>"
        "<b>Subject:</b> 질문</p><p>old</p>"
    )

    assert split_html_reply(markup).reply == "네 알겠습니다."


def test_qq():
    markup = (
        "<div>好的</div><div>------------------&nbsp;原始邮件&nbsp;------------------</div>"
        '<div style="background:#efefef"><b>发件人:</b>&nbsp;Bob</div><div>old</div>'
    )

    assert split_html_reply(markup).reply == "好的"


def test_yandex():
    markup = (
        "<div>Хорошо</div><div>15.11.2021, 19:42, Bob &lt;bob@example.com&gt;:</div>"
        '<blockquote class="210e7a848e8fcb45wmi-quote"><p>old</p></blockquote>'
    )

    assert split_html_reply(markup).reply == "Хорошо"


def test_header_block_below_a_rule():
    markup = (
        "<div>message<br><div><hr>Date: Fri, 23 Mar 2012 12:35:31 -0600<br>"
        "To: bob@example.com<br>From: ann@example.com<br>Subject: x<br><br>old</div></div>"
    )

    assert split_html_reply(markup).reply == "message"


def test_quote_marks_as_text():
    markup = f"<p>Yes.<br><br>{WROTE}<br>&gt; old<br>&gt; text</p>"

    assert split_html_reply(markup).reply == "Yes."


def test_r01_one_div_around_all():
    markup = "<div><p>Reply</p><p><b>From:</b> bob@example.com</p><p>Original</p></div>"

    assert split_html_reply(markup).reply.startswith("Reply")


def test_r02_wrapper_without_attribution_is_no_quote():
    markup = (
        '<div dir="ltr">Hello,</div><div class="gmail_quote gmail_quote_container">'
        "<div>Thank you for applying, full text here.</div><div>Signature</div></div>"
    )

    assert split_html_reply(markup) == Split(
        "Hello,\n\nThank you for applying, full text here.\n\nSignature", ""
    )


@pytest.mark.parametrize("note", ["", "<div>FYI</div>"])
def test_r14_r17_forward_is_kept(note):
    markup = (
        f'{note}<div class="gmail_quote">---------- Forwarded message ----------<br>'
        "From: a@example.com<br><br>content</div>"
    )
    forward = "\\---------- Forwarded message ----------  \nFrom: a@example.com  \n\ncontent"

    assert split_html_reply(markup) == Split(f"FYI\n\n{forward}" if note else forward, "")


def test_forward_of_apple_mail_is_kept():
    markup = (
        '<div>FYI</div><blockquote type="cite"><div>Begin forwarded message:</div><br>'
        "<div><b>From: </b>a@example.com</div><div>content</div></blockquote>"
    )

    assert split_html_reply(markup) == Split(
        "FYI\n> Begin forwarded message:\n>\n> **From:** a@example.com\n>\n> content", ""
    )


def test_r20_proton():
    markup = (
        '<div>New</div><div class="protonmail_quote">On ... wrote:'
        '<blockquote type="cite">old</blockquote></div>'
    )

    assert split_html_reply(markup) == Split("New", "> On ... wrote:\n>\n> > old")


@pytest.mark.parametrize("end", ["", "<p>Regards</p>"])
def test_r21_own_citation_is_kept(end):
    split = split_html_reply(f"<p>See</p><blockquote>my own citation</blockquote>{end}")

    assert split == Split("See\n> my own citation" + ("\n\nRegards" if end else ""), "")


def test_r25_sentence_that_begins_like_an_attribution():
    markup = "<p>On Friday, the team sent a draft to everyone: please read it.<br>Thanks</p>"

    assert split_html_reply(markup).quoted == ""
