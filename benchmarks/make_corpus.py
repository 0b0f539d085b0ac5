#!/usr/bin/env python3
"""Seeded, reproducible mail corpus (own code, no third-party text).

    python make_corpus.py OUTDIR [--n 2000] [--seed 20261125] [--poison] [--bad-labels]

Writes OUTDIR/NNNNN.eml (CRLF), OUTDIR/index.json (kind, size, ids) and prints the SHA-256 of the
concatenation.  Mix: 60% plain replies 2-4 KB with quoted history, 25% multipart/alternative with
10-30 KB HTML, 10% with one 100 KB-1 MB attachment, 5% odd charsets.  --poison writes instead a
small set of malformed messages (one per known way to break a parser).
Messages are put together from bytes, not with the email package, so that the result does not
depend on the Python version."""

import argparse
import base64
import hashlib
import json
import pathlib
import quopri
import random
from datetime import UTC, datetime, timedelta

WORDS = [
    "account",
    "alert",
    "answer",
    "archive",
    "attach",
    "branch",
    "browser",
    "build",
    "button",
    "cache",
    "call",
    "change",
    "check",
    "click",
    "client",
    "close",
    "comment",
    "commit",
    "config",
    "contact",
    "copy",
    "crash",
    "customer",
    "database",
    "date",
    "default",
    "delete",
    "deploy",
    "detail",
    "device",
    "disk",
    "document",
    "domain",
    "error",
    "event",
    "export",
    "failure",
    "feature",
    "field",
    "file",
    "filter",
    "folder",
    "form",
    "group",
    "handle",
    "header",
    "history",
    "image",
    "import",
    "index",
    "install",
    "invoice",
    "issue",
    "item",
    "key",
    "label",
    "language",
    "layout",
    "letter",
    "limit",
    "link",
    "list",
    "log",
    "login",
    "machine",
    "manager",
    "memory",
    "menu",
    "message",
    "model",
    "module",
    "month",
    "network",
    "note",
    "number",
    "object",
    "office",
    "option",
    "order",
    "output",
    "owner",
    "page",
    "panel",
    "password",
    "patch",
    "path",
    "payment",
    "person",
    "phone",
    "plan",
    "please",
    "pointer",
    "policy",
    "port",
    "print",
    "problem",
    "process",
    "product",
    "profile",
    "project",
    "question",
    "queue",
    "reason",
    "record",
    "release",
    "reply",
    "report",
    "request",
    "reset",
    "result",
    "review",
    "role",
    "room",
    "route",
    "save",
    "screen",
    "script",
    "search",
    "section",
    "select",
    "send",
    "server",
    "service",
    "session",
    "setting",
    "share",
    "sheet",
    "shop",
    "sign",
    "site",
    "size",
    "source",
    "space",
    "staff",
    "stage",
    "start",
    "state",
    "status",
    "step",
    "store",
    "string",
    "support",
    "switch",
    "system",
    "table",
    "tag",
    "task",
    "team",
    "template",
    "test",
    "thread",
    "ticket",
    "time",
    "title",
    "token",
    "tool",
    "total",
    "trace",
    "track",
    "trial",
    "type",
    "update",
    "upload",
    "user",
    "value",
    "version",
    "video",
    "view",
    "wait",
    "warning",
    "week",
    "window",
    "word",
    "work",
    "zone",
    "the",
    "and",
    "for",
    "with",
    "from",
    "this",
    "that",
    "have",
    "when",
    "then",
    "but",
    "not",
    "our",
    "your",
    "they",
    "was",
    "were",
    "will",
    "can",
    "could",
    "should",
    "after",
    "before",
    "about",
    "again",
    "still",
    "only",
    "over",
    "under",
]
FIRST = [
    "Ana",
    "Boris",
    "Chen",
    "Dora",
    "Emil",
    "Fatima",
    "Goran",
    "Hana",
    "Ivan",
    "Jana",
    "Kofi",
    "Lena",
    "Milan",
    "Nora",
    "Omar",
    "Petra",
    "Quinn",
    "Rosa",
    "Stefan",
    "Tara",
]
LAST = [
    "Adler",
    "Berg",
    "Cruz",
    "Dahl",
    "Egli",
    "Faro",
    "Gross",
    "Huber",
    "Ito",
    "Jansen",
    "Kovac",
    "Lund",
    "Meyer",
    "Novak",
    "Olsen",
    "Park",
    "Quist",
    "Rossi",
    "Sato",
    "Toth",
]
HOSTS = ["mail.customer.test", "smtp.partner.test", "mx.corp.test", "out.isp.test"]
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
CRLF = "\r\n"
BAD_LABELS = False  # --bad-labels: 8% of the odd messages name a charset that no codec knows


def sentence(r, lo=5, hi=16):
    w = [r.choice(WORDS) for _ in range(r.randint(lo, hi))]
    return w[0].capitalize() + " " + " ".join(w[1:]) + r.choice([".", ".", ".", "?", "!"])


def paragraph(r, lo=2, hi=5):
    return " ".join(sentence(r) for _ in range(r.randint(lo, hi)))


def wrap(text, width=74):
    out, line = [], ""
    for w in text.split(" "):
        if line and len(line) + 1 + len(w) > width:
            out.append(line)
            line = w
        else:
            line = f"{line} {w}" if line else w
    return [*out, line]


def rfc_date(d):
    return d.strftime("%a, %d %b %Y %H:%M:%S +0000")


def person(r):
    f, l = r.choice(FIRST), r.choice(LAST)
    return f"{f} {l}", f"{f}.{l}@customer.test".lower()


def headers(r, i, when, subject, name, addr, reply=True, extra=()):
    issue = r.randint(1, 400)
    key = hashlib.sha1(b"%d" % issue).hexdigest()[:24]
    host = r.choice(HOSTS)
    h = [
        f"Return-Path: <{addr}>",
        f"Delivered-To: incoming+{key}@example.test",
        f"Received: from {host} ({host} [192.0.2.{r.randint(1, 250)}])",
        f"\tby mx.example.test with ESMTPS id {r.getrandbits(48):012x}",
        f"\tfor <incoming+{key}@example.test>; {rfc_date(when)}",
        f"Received: by {host} with SMTP id {r.getrandbits(40):010x}; {rfc_date(when)}",
        "Authentication-Results: mx.example.test; dkim=pass header.d=customer.test; spf=pass smtp.mailfrom=customer.test",
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=customer.test; s=s1;",
        f"\tbh={base64.b64encode(r.randbytes(32)).decode()};",
        "\tb=" + base64.b64encode(r.randbytes(48)).decode(),
        "\t " + base64.b64encode(r.randbytes(48)).decode(),
        "MIME-Version: 1.0",
        f"Date: {rfc_date(when)}",
        f"From: {name} <{addr}>",
        f"To: Support <incoming+{key}@example.test>",
        f"Subject: {subject}",
        f"Message-ID: <c{i:05d}.{r.getrandbits(64):016x}@customer.test>",
    ]
    if reply:
        refs = [f"<issue-{issue}-{k}.{key[:8]}@example.test>" for k in range(r.randint(1, 4))]
        h += [f"In-Reply-To: {refs[-1]}", "References: " + (CRLF + " ").join(refs)]
    h.append(
        "X-Mailer: "
        + r.choice(["ExampleMail 16.0", "PocketMail 9", "Webmail 3.4", "DeskPost 115.2"])
    )
    return h + list(extra)


def quoted_history(r, when, target, depth=1):
    out = []
    while sum(len(x) + 2 for x in out) < target:
        n, a = person(r)
        when -= timedelta(hours=r.randint(1, 90))
        p = "> " * depth
        style = r.random()
        if style < 0.6:
            out.append(
                f"{'> ' * (depth - 1)}On {when.strftime('%a, %d %b %Y at %H:%M')}, {n} <{a}> wrote:"
            )
        elif style < 0.8:
            out += [
                f"{'> ' * (depth - 1)}-----Original Message-----",
                f"{'> ' * (depth - 1)}From: {n} <{a}>",
                f"{'> ' * (depth - 1)}Sent: {when.strftime('%A, %B %d, %Y %H:%M')}",
                f"{'> ' * (depth - 1)}Subject: {sentence(r, 3, 6)}",
            ]
        else:
            out.append(
                f"{'> ' * (depth - 1)}Am {when.strftime('%d.%m.%Y')} um {when.strftime('%H:%M')} schrieb {n}:"
            )
        for _ in range(r.randint(1, 3)):
            out += [p + l for l in wrap(paragraph(r), 74 - len(p))] + [p.rstrip()]
        depth = min(depth + 1, 5)
    return out


def plain_reply(r, i, when):
    name, addr = person(r)
    target = r.randint(2000, 4000)
    h = headers(
        r,
        i,
        when,
        "Re: " + sentence(r, 3, 8).rstrip(".?!"),
        name,
        addr,
        extra=[
            'Content-Type: text/plain; charset="utf-8"',
            "Content-Transfer-Encoding: " + r.choice(["7bit", "7bit", "8bit"]),
        ],
    )
    body = ["Hi,", ""] + [l for _ in range(r.randint(1, 2)) for l in [*wrap(paragraph(r)), ""]]
    sig = r.random()
    if sig < 0.4:
        body += [
            "-- ",
            name,
            f"{r.choice(LAST)} GmbH | +00 {r.randint(100, 999)} {r.randint(1000, 9999)}",
            "",
        ]
    elif sig < 0.6:
        body += ["Sent from my phone", ""]
    used = sum(map(len, h)) + 2 * len(h) + sum(map(len, body))
    body += quoted_history(r, when, max(300, target - used))
    return CRLF.join([*h, "", ""]).encode() + CRLF.join([*body, ""]).encode()


def html_doc(r, target, name):
    css = "".join(
        f".c{k}{{font-family:Arial,sans-serif;font-size:{10 + k}pt;color:#{r.getrandbits(24):06x};margin:0 0 {k}px 0}}\n"
        for k in range(25)
    )
    out = [
        f'<!DOCTYPE html><html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"><style type="text/css">\n{css}</style></head><body lang="en">\n'
    ]
    size = len(out[0])
    quoted = False
    while size < target:
        if not quoted and size > target * 0.35:
            quoted = True
            s = f'<div class="quote_prefix">On {when_str(r)}, {name} wrote:<br></div><blockquote type="cite" style="margin:0 0 0 .8ex;border-left:1px solid #ccc;padding-left:1ex">\n'
        elif r.random() < 0.12:
            s = (
                "<table border=0 cellspacing=0 cellpadding=4>"
                + "".join(
                    "<tr>"
                    + "".join(
                        f'<td style="border:1px solid #ddd" class="c{r.randint(0, 24)}">{r.choice(WORDS)}</td>'
                        for _ in range(5)
                    )
                    + "</tr>"
                    for _ in range(4)
                )
                + "</table>\n"
            )
        else:
            s = f'<p class="c{r.randint(0, 24)}" style="margin-bottom:12.0pt"><span style="font-size:11.0pt;color:#1f497d">{paragraph(r)}</span>&nbsp;<a href="https://www.example.test/{r.choice(WORDS)}?id={r.getrandbits(32)}">{r.choice(WORDS)}</a></p>\n'
        out.append(s)
        size += len(s)
    return "".join(out) + ("</blockquote>" if quoted else "") + "</body></html>\n"


def when_str(r):
    return (START + timedelta(minutes=r.randint(0, 90000))).strftime("%a, %d %b %Y at %H:%M")


def qp(text, charset="utf-8"):
    return (
        quopri.encodestring(text.encode(charset))
        .replace(b"\r\n", b"\n")
        .replace(b"\n", b"\r\n")
        .decode("ascii")
    )


def b64(data):
    e = base64.b64encode(data).decode()
    return CRLF.join(e[k : k + 76] for k in range(0, len(e), 76)) + CRLF


def alternative_part(r, boundary, when, name, html_size):
    text = (
        CRLF.join(
            ["Hello,", ""]
            + [l for _ in range(3) for l in [*wrap(paragraph(r)), ""]]
            + quoted_history(r, when, 1200)
        )
        + CRLF
    )
    html = html_doc(r, html_size, name)
    enc = r.random()
    hpart = (
        ["Content-Transfer-Encoding: quoted-printable", "", qp(html)]
        if enc < 0.7
        else ["Content-Transfer-Encoding: base64", "", b64(html.encode())]
    )
    return CRLF.join(
        [
            f"--{boundary}",
            'Content-Type: text/plain; charset="utf-8"',
            "Content-Transfer-Encoding: quoted-printable",
            "",
            qp(text),
            f"--{boundary}",
            'Content-Type: text/html; charset="utf-8"',
            *hpart,
            f"--{boundary}--",
            "",
        ]
    )


def alternative(r, i, when):
    name, addr = person(r)
    b = f"=_alt_{r.getrandbits(64):016x}"
    h = headers(
        r,
        i,
        when,
        "RE: " + sentence(r, 3, 8).rstrip(".?!"),
        name,
        addr,
        extra=[f'Content-Type: multipart/alternative; boundary="{b}"'],
    )
    return (
        CRLF.join([*h, "", "This is a multi-part message in MIME format.", ""]).encode()
        + alternative_part(r, b, when, name, r.randint(8_500, 26_000)).encode()
    )


def attachment(r, i, when):
    name, addr = person(r)
    o = f"=_mix_{r.getrandbits(64):016x}"
    b = f"=_alt_{r.getrandbits(64):016x}"
    target = r.randint(100_000, 1_000_000)
    raw = int(target / 1.37)
    ext, ctype = r.choice(
        [
            ("png", "image/png"),
            ("pdf", "application/pdf"),
            ("log", "text/plain; charset=utf-8"),
            ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
            ("zip", "application/zip"),
        ]
    )
    if ext == "log":
        data = "".join(
            f"{(when + timedelta(seconds=k)).isoformat()} {r.choice(['INFO', 'WARN', 'ERROR'])} {r.choice(WORDS)}.{r.choice(WORDS)} {r.getrandbits(64):016x}\n"
            for k in range(raw // 60)
        ).encode()
    else:
        data = {
            "png": b"\x89PNG\r\n\x1a\n",
            "pdf": b"%PDF-1.7\n",
            "docx": b"PK\x03\x04",
            "zip": b"PK\x03\x04",
        }[ext] + r.randbytes(raw)
    fn = f"{r.choice(WORDS)}_{r.randint(1, 999)}.{ext}"
    disp = (
        f'Content-Disposition: attachment; filename="{fn}"'
        if r.random() < 0.6
        else f"Content-Disposition: attachment;{CRLF} filename*0*=utf-8''Anl%C3%A4ge%20{r.randint(1, 99)}%20;{CRLF} filename*1*={fn}"
    )
    h = headers(
        r,
        i,
        when,
        "Re: " + sentence(r, 3, 8).rstrip(".?!"),
        name,
        addr,
        extra=[f'Content-Type: multipart/mixed; boundary="{o}"'],
    )
    return CRLF.join(
        [
            *h,
            "",
            f"--{o}",
            f'Content-Type: multipart/alternative; boundary="{b}"',
            "",
            alternative_part(r, b, when, name, r.randint(3000, 9000)),
            f"--{o}",
            f'Content-Type: {ctype}; name="{fn}"',
            "Content-Transfer-Encoding: base64",
            disp,
            "",
            b64(data) + f"--{o}--",
            "",
        ]
    ).encode()


ODD = [
    ("iso-2022-jp", "お世話になっております。ログインできません。確認をお願いします。"),
    ("shift_jis", "添付ファイルをご確認ください。よろしくお願いします。"),
    ("euc-jp", "返信ありがとうございます。問題は解決しました。"),
    ("koi8-r", "Здравствуйте, не могу войти в систему. Помогите, пожалуйста."),
    ("windows-1251", "Ошибка при сохранении документа повторяется каждый день."),
    ("gb18030", "您好，系统无法登录，请协助处理。谢谢！"),
    ("gb2312", "请查看附件中的错误信息。"),
    ("big5", "您好，請協助處理登入問題，謝謝。"),
    ("euc-kr", "안녕하세요. 로그인이 되지 않습니다. 확인 부탁드립니다."),
    ("iso-8859-1", "Größe überprüft, leider läuft es noch nicht. Grüße"),
    ("iso-8859-15", "Le coût s’élève".replace("’", "'") + " à 120 €, reçu. Merci d'avance."),
    ("windows-1252", "“Smart quotes” – and a dash… it’s broken for £20"),
    ("iso-8859-2", "Dobrý den, nelze se přihlásit. Děkuji."),
    ("windows-1254", "Merhaba, giriş yapamıyorum. Teşekkürler."),
    ("iso-8859-8", "שלום, איני מצליח להתחבר"),
    ("tis-620", "สวัสดีครับ เข้าระบบไม่ได้"),
    ("utf-7", "Grüße aus Köln, es geht nicht."),
    ("utf-16", "Grüße, wide text."),
]


def odd(r, i, when):
    cs, text = ODD[i % len(ODD)]
    name, addr = person(r)
    body = CRLF.join(
        [text, sentence(r), "", text * r.randint(1, 6), ""]
        + [f"> {text}" for _ in range(r.randint(2, 12))]
        + [""]
    ).encode(cs, "replace")
    label = cs
    mode = r.random()
    if mode < 0.08 and BAD_LABELS:
        label = r.choice(
            ["x-unknown", "unknown-8bit", "utf8mb4", "cp-850", '"' + cs]
        )  # label nobody knows
    elif mode < 0.16:
        label = (
            "us-ascii" if cs not in ("iso-2022-jp", "utf-7") else "utf-8"
        )  # wrong label, 8-bit bytes
    elif mode < 0.22:
        label = None  # no charset at all
    if r.random() < 0.5 or cs == "utf-16":
        cte, data = "base64", b64(body).encode()
    elif r.random() < 0.5:
        cte, data = (
            "quoted-printable",
            quopri.encodestring(body).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"),
        )
    else:
        cte, data = ("7bit" if cs in ("iso-2022-jp", "utf-7") else "8bit"), body
    hcs = cs if cs not in ("utf-16", "utf-7") else "utf-8"
    raw_subject = r.random() < 0.2
    subj = "SUBJECT-PLACEHOLDER"
    ew = lambda s: f"=?{hcs}?B?{base64.b64encode(s.encode(hcs, 'replace')).decode()}?="
    h = headers(
        r,
        i,
        when,
        subj,
        name,
        addr,
        extra=[
            "Content-Type: text/plain" + (f"; charset={label}" if label else ""),
            f"Content-Transfer-Encoding: {cte}",
        ],
    )
    head = CRLF.join([*h, "", ""]).encode()
    head = head.replace(
        b"Subject: SUBJECT-PLACEHOLDER",
        b"Subject: "
        + (
            ("Re: " + text[:20]).encode(hcs, "replace")
            if raw_subject
            else ("Re: " + ew(text[:12]) + "\r\n " + ew(text[12:24])).encode()
        ),
    )
    return head + data


def poison():
    H = b"From: p@customer.test\r\nTo: incoming+key@example.test\r\nSubject: poison %s\r\nMessage-ID: <poison-%s@customer.test>\r\nDate: Mon, 02 Mar 2026 08:00:00 +0000\r\n"

    def n(k):
        return H % (k, k)

    yield "empty", b""
    yield "headers_only", n(b"headers-only")
    yield "no_headers", b"just text without any header\r\n\r\nmore\r\n"
    yield (
        "null_bytes",
        n(b"nul") + b"Content-Type: text/plain; charset=utf-8\r\n\r\nbefore\x00after\r\n",
    )
    yield (
        "bad_boundary",
        n(b"nb")
        + b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="never"\r\n\r\n--other\r\n\r\ntext\r\n',
    )
    yield (
        "no_boundary",
        n(b"nobound") + b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed\r\n\r\ntext\r\n",
    )
    yield (
        "unclosed",
        n(b"unclosed")
        + b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhalf a me",
    )
    yield (
        "bad_b64",
        n(b"b64")
        + b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!not base64===\r\nQQ\r\n",
    )
    yield (
        "bad_charset",
        n(b"charset")
        + b'Content-Type: text/plain; charset="no-such-codec"\r\n\r\n\xff\xfe caf\xe9\r\n',
    )
    yield (
        "idna_charset",
        n(b"idna") + b"Content-Type: text/plain; charset=idna\r\n\r\n\xff\xfe caf\xe9\r\n",
    )
    yield (
        "bad_encoded_word",
        b"From: =?utf-8?B?====?= <p@customer.test>\r\nTo: incoming+key@example.test\r\nSubject: =?x-none?Q?=FF=FE?= =?utf-8?b?/////w==?=\r\nMessage-ID: <poison-ew@customer.test>\r\n\r\nx\r\n",
    )
    yield (
        "bad_address",
        b'From: <<<@@@,;:>\r\nTo: "unclosed <a@b\r\nCc: ,,,,\r\nSubject: addr\r\nMessage-ID: <poison-addr@customer.test>\r\n\r\nx\r\n',
    )
    yield "empty_from", b"From:\r\nTo:\r\nSubject:\r\nMessage-ID:\r\nDate:\r\n\r\nx\r\n"
    yield (
        "bad_date",
        b"From: p@customer.test\r\nTo: incoming@example.test\r\nDate: Foo, 99 Bar 20266 99:99:99 +9999\r\nSubject: date\r\nMessage-ID: <poison-date@customer.test>\r\n\r\nx\r\n",
    )
    yield (
        "bad_msgid",
        b"From: p@customer.test\r\nTo: incoming@example.test\r\nSubject: id\r\nMessage-ID: <[[[:]]@\xe9>\r\nReferences: <a <b> c> [x\r\n\r\nx\r\n",
    )
    yield "long_header", n(b"long") + b"X-Long: " + b"a" * 200_000 + b"\r\n\r\nx\r\n"
    yield (
        "many_headers",
        n(b"manyh") + b"".join(b"X-H%d: v\r\n" % i for i in range(5000)) + b"\r\nx\r\n",
    )
    deep = b"deep text\r\n"
    hdr = b""
    for k in range(200):
        bd = b"b%d" % k
        deep = (
            b"--"
            + bd
            + b"\r\n"
            + (hdr or b"Content-Type: text/plain\r\n")
            + b"\r\n"
            + deep
            + b"\r\n--"
            + bd
            + b"--\r\n"
        )
        hdr = b"Content-Type: multipart/mixed; boundary=" + bd + b"\r\n"
    yield "deep_nesting", n(b"deep") + b"MIME-Version: 1.0\r\n" + hdr + b"\r\n" + deep
    yield (
        "many_parts",
        n(b"manyp")
        + b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        + b"".join(b"--b\r\nContent-Type: text/plain\r\n\r\np%d\r\n" % i for i in range(5000))
        + b"--b--\r\n",
    )
    yield (
        "rfc822_loop",
        n(b"rfc822")
        + b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nRnJvbTogYUBiDQoNCmhp\r\n",
    )
    yield (
        "bad_ctype",
        n(b"ctype")
        + b"Content-Type: text; charset; =;;\r\nContent-Disposition: attachment; filename*=x''%ZZ; filename*0*=\r\n\r\nx\r\n",
    )
    yield (
        "surrogates",
        n(b"surr")
        + b"Content-Type: text/plain; charset=utf-8\r\n\r\n\xed\xa0\x80\xed\xbf\xbf bad utf8 \xf8\r\n",
    )
    yield (
        "bad_filename",
        n(b"fn")
        + b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/x; name="../../etc/passwd"\r\nContent-Disposition: attachment; filename="../../\xff\x00/'
        + b"n" * 400
        + b'.txt"\r\n\r\nx\r\n--b--\r\n',
    )
    yield (
        "bare_cr_lf",
        b"From: p@customer.test\nTo: incoming@example.test\nSubject: bare\rX: y\nMessage-ID: <poison-bare@customer.test>\n\nline\rline\n",
    )
    yield (
        "html_bomb",
        n(b"html")
        + b"Content-Type: text/html; charset=utf-8\r\n\r\n"
        + b"<div>" * 30_000
        + b"x\r\n",
    )


def build(n, seed):
    kinds = (
        ["plain"] * round(n * 0.60)
        + ["alternative"] * round(n * 0.25)
        + ["attachment"] * round(n * 0.10)
    )
    kinds += ["odd"] * (n - len(kinds))
    random.Random(seed).shuffle(kinds)
    fn = {"plain": plain_reply, "alternative": alternative, "attachment": attachment, "odd": odd}
    for i, k in enumerate(kinds):
        r = random.Random(seed * 1_000_003 + i)
        yield k, fn[k](r, i, START + timedelta(minutes=7 * i))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("out")
    ap.add_argument("--n", type=int, default=2000)
    ap.add_argument("--seed", type=int, default=20261125)
    ap.add_argument("--poison", action="store_true")
    ap.add_argument("--bad-labels", action="store_true")
    a = ap.parse_args()
    global BAD_LABELS
    BAD_LABELS = a.bad_labels
    out = pathlib.Path(a.out)
    out.mkdir(parents=True, exist_ok=True)
    sha = hashlib.sha256()
    index = []
    for i, (k, m) in enumerate(poison() if a.poison else build(a.n, a.seed)):
        (out / f"{i:05d}.eml").write_bytes(m)
        sha.update(m)
        index.append({"i": i, "kind": k, "size": len(m)})
    (out / "index.json").write_text(json.dumps(index))
    from collections import Counter

    c = Counter()
    s = Counter()
    for e in index:
        c[e["kind"]] += 1
        s[e["kind"]] += e["size"]
    for k in c:
        print(f"{k:12s} n={c[k]:5d} total={s[k] / 1e6:8.2f} MB mean={s[k] / c[k] / 1e3:7.1f} KB")
    print("total MB", round(sum(s.values()) / 1e6, 1), "sha256", sha.hexdigest())


if __name__ == "__main__":
    main()
