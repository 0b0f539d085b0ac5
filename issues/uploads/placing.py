"""The text with every file linked: where it refers to one, else at its end."""

import re
from collections.abc import Sequence
from urllib.parse import unquote

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from issues.uploads.choosing import Chosen, Limit, Shown
from issues.uploads.files import NewFile

_ID = r"cid:(?P<{}>[^\s()<>\[\]\"']{{1,998}})"
_REFERENCE = re.compile(
    rf"\[{_ID.format('bracketed')}\](?!\()"  # Outlook's text part: "[cid:image001.png@01DA]"
    rf"|\b{_ID.format('address')}"
    r"|\\?\[image: (?P<name>[^\n\[\]]{1,255}?)\\?\](?!\()"  # Gmail's text part
)


def find_references(text: str) -> frozenset[str]:
    """The ids of the files that `text` refers to by `cid:`."""
    return frozenset(filter(None, map(_find_id, _REFERENCE.finditer(text))))


def _find_id(reference: re.Match[str]) -> str:
    return _plain_id(reference["bracketed"] or reference["address"] or "")


def _plain_id(content_id: str) -> str:
    return unquote(content_id).strip("<>").lower()


def insert_links(body: str, chosen: Chosen) -> str:
    """The body with links to the files in it and below it, and notes about those left out."""
    if not chosen.files:
        return body
    linked: set[str] = set()
    by_id = {_plain_id(file.content_id): file for file in chosen.files if file.content_id}
    by_name = _find_named(chosen, find_references(body))

    def put(reference: re.Match[str]) -> str:
        name, file = reference["name"], by_id.get(_find_id(reference))
        if name:  # of several pictures with one name the next is meant
            shown = by_name[name].pop(0) if by_name.get(name) else None
        else:
            shown = chosen.shown.get(file.source) if file else None
        if shown is None:
            return reference[0]
        linked.add(shown.address)
        return shown.address if reference["address"] else _link(shown)

    body = _REFERENCE.sub(put, body)
    ends = [*_list_rest(chosen, linked), *_notes(chosen)]
    return "\n\n".join([*([body.rstrip()] if body.strip() else []), *ends]) if ends else body


def _find_named(chosen: Chosen, by_id: frozenset[str]) -> dict[str, list[Shown]]:
    """The inline pictures that nothing refers to by id, by name and in order."""
    named: dict[str, list[Shown]] = {}
    for file in chosen.files:
        shown = chosen.shown.get(file.source)
        if shown and file.is_inline_picture and _plain_id(file.content_id) not in by_id:
            named.setdefault(file.name, []).append(shown)
    return named


def _list_rest(chosen: Chosen, linked: set[str]) -> list[str]:
    """Links to the new files that the text does not show yet; each name of the same bytes once."""
    new = {file.address for file in chosen.kept}
    rest = [chosen.shown[file.source] for file in chosen.files if file.source in chosen.shown]
    links = (_link(shown) for shown in rest if shown.address in new and shown.address not in linked)
    return list(dict.fromkeys(links))


def _link(shown: Shown) -> str:
    return f"{'!' if shown.is_picture else ''}[{_escape(shown.name)}]({shown.address})"


def _notes(chosen: Chosen) -> list[str]:
    """Notes about files that are not stored as they were sent."""
    by_limit: dict[Limit, list[NewFile]] = {}
    for limit, file in chosen.left_out:
        by_limit.setdefault(limit, []).append(file)
    notes = [_describe_left_out(limit, files) for limit, files in by_limit.items()]
    if chosen.uncleaned:
        notes.append(
            _("Metadata could not be removed from: %(files)s.")
            % {"files": _names(chosen.uncleaned)}
        )
    return notes


def _describe_left_out(limit: Limit, files: Sequence[NewFile]) -> str:
    sentence = {
        Limit.FILE: _(
            "Left out, as a file may have at most %(limit)s: %(files)s. "
            "The original message still holds it."
        ),
        Limit.COUNT: _(
            "Left out, as a message may bring at most %(limit)s files: %(files)s. "
            "The original message still holds it."
        ),
        Limit.TOGETHER: _(
            "Left out, as the files of a message may have at most %(limit)s together: %(files)s. "
            "The original message still holds it."
        ),
    }[limit]
    most = str(limit.most) if limit is Limit.COUNT else _size(limit.most)
    return sentence % {"limit": most, "files": _names(files)}


def _names(files: Sequence[NewFile]) -> str:
    return ", ".join(f"“{_escape(file.name)}” ({_size(len(file.content))})" for file in files)


def _size(size: int) -> str:
    return filesizeformat(size).replace("\N{NO-BREAK SPACE}", " ")


def _escape(name: str) -> str:
    """Markdown sees plain text."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~&@-])", r"\\\1", name)
