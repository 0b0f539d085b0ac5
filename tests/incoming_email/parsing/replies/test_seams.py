"""Commands below the top of another's mail do not count, in languages outside the tables too."""

import pytest
from django.utils import translation

from incoming_email.parsing.replies.own_words import find_others
from incoming_email.parsing.replies.splitting import Split, split_reply
from issues.marked_text import split_lines
from issues.notifications.composing import Story
from tests.growing import assert_linear

EVE = "Eve <eve@example.com>"
ANN = "Ann <ann@example.com>"


def carried_out(text):
    """The lines that count as the sender's commands, and those of which the sender is told."""
    others = find_others(text, split_reply(text))[0]
    lines = enumerate(split_lines(text))
    own = [line for at, line in lines if line.startswith("/") and at not in others.numbers]
    return own, list(others.doubtful)


BLOCKS = {
    "Serbian": f"Од: {EVE}\nПослато: понедељак, 1. јануар 2024. 10:00\nЗа: {ANN}\nТема: x",
    "Basque": f"Nork: {EVE}\nBidaltze-data: 2024(e)ko urtarrilak 1\nNori: {ANN}\nGaia: x",
    "Kazakh": f"Кімнен: {EVE}\nЖіберілді: 1 қаңтар 2024\nКімге: {ANN}\nТақырып: x",
    "Georgian": f"ავტორი: {EVE}\nგაიგზავნა: 1 იანვარი 2024\nვის: {ANN}\nთემა: x",
    "Albanian": f"Nga: {EVE}\nDërguar: e hënë, 1 janar 2024\nPër: {ANN}\nTema: x",
    "Tamil": f"அனுப்புநர்: {EVE}\nஅனுப்பியது: 1 ஜனவரி 2024\nபெறுநர்: {ANN}\nதலைப்பு: x",
    "Khmer": f"ពី: {EVE}\nបានផ្ញើ: 1\nទៅ: {ANN}\nប្រធានបទ: x",
    "Swahili": f"Kutoka: {EVE}\nImetumwa: Jan 2024\nKwa: {ANN}\nMada: x",
    "Welsh, two words": f"Oddi wrth: {EVE}\nAnfonwyd: 1 Ionawr\nAt: {ANN}\nPwnc: x",
    "names without addresses": "Кімнен: Eve\nЖіберілді: 1 қаңтар 2024\nКімге: Ann\nТақырып: x",
    "broken recipients": f"Nork: Eve\nNori: {ANN},\nBo <bo@example.com>\nGaia: x",
    "folded": "From: Eve\nTo: Ann,\n Bo,\n Carl\nSubject: x",
    "no address and no date": "From: Doe, Eve\nTo: Doe, Ann\nSubject: x",
    "German, no address and no date": "Von: Doe, Eve\nAn: Doe, Ann\nBetreff: x",
    "a raw header": f"Return-Path: <eve@example.com>\nReceived: from x\nFrom: {EVE}",
    "Notes": "Eve Doe ---01/01/2024 10:00:00 AM---Hello",
    "Notes, many lines": "Eve Doe/Org\n01/01/2024 10:00\nTo\nAnn/Org@Org\ncc\n\nSubject\nx",
    "GroupWise": "Eve Doe 1/1/2024 10:00 AM >>>",
    "drawn": "#### 2024-01-01 10:00 Eve Doe wrote ####",
    "wide hyphens": "－－－－－ 原邮件 －－－－－",
    "wrote": "Eve wrote:",
    "wrote in German": "Eve schrieb:",
}


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
@pytest.mark.parametrize("above", ["", "Please look.\n\n/label ~bug\n\n"])
def test_the_top_of_another_mail(block, above):
    text = f"{above}{block}\n\nHello\n\n/close"
    own, told = carried_out(text)
    assert own == (["/label ~bug"] if above else [])
    assert told == ["/close"]


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(
    "sentence",
    [
        "%(name)s opened an issue:",
        "%(name)s opened a merge request:",
        "%(name)s wrote:",
        "%(name)s wrote an internal note:",
    ],
)
def test_a_notification_of_ours_that_was_pasted(language, sentence):
    assert sentence in _constants(Story.describe.__code__)
    with translation.override(language):
        headline = translation.gettext(sentence) % {"name": "Eve Doe"}
    assert carried_out(f"FYI\n\n{headline}\n\nHello\n\n/close") == ([], ["/close"])


def _constants(code):
    return {constant for constant in code.co_consts if isinstance(constant, str)}


@pytest.mark.parametrize(
    "text",
    [
        "From: Berlin\nTo: Paris",
        "Browser: Firefox\nSystem: Debian",
        "Browser: Firefox\nSystem: Debian\nLanguage: Welsh",
        "Assignee: @ann\nLabel: ~bug\nState: open",
        "```\nHost: a@example.com\nDate: 2024-01-01\nPath: x\n```",
        "I asked Eve, and she wrote:\n> No.\n\nSo",
        "As I wrote:\n\nIt squeaks.",
        "Eve wrote this.\n\nIt squeaks.",
        "Name: a@example.com\n\nDate: 2024-01-01\n\nPlace: x",
        "see https://example.com/a\nhttps://example.com/b\nhttps://ann@example.com",
        "#### Heading\n\nx",
        "To\n\nbe or not to be",
        "1 > 0 >> 0",
    ],
)
def test_what_people_write_themselves(text):
    assert carried_out(f"{text}\n\n/close") == (["/close"], [])


@pytest.mark.growth
@pytest.mark.parametrize(
    "unit",
    [
        *("Nork: a\n", "Nork: a\nNori: b\n\n", "From: x\n y\n", " x@y\n", "To\n"),
        "Eve wrote:\n\n\n",
        *("-" * 9, "---1/1/24", "1 >>>", "1", "#### a", "a: ", "Eve wrote:\n```\n```\n", "\n"),
        *("On 1/1/2024 at 10:00, Eve Doe wrote:\n```\nx\n```\n", "-----a\n", "From: a@b\n/x\n"),
    ],
    ids=repr,
)
def test_time_grows_with_the_length_only(unit):
    def find(text):
        find_others(text, Split(text, "", tuple(range(len(split_lines(text))))))

    assert_linear(find, lambda size: f"/close\n{unit * (size // len(unit))}", 10_000, 80_000)
