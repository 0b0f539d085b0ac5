"""The sections of a gitlab.yml that set up mailboxes, at its top or under an environment."""

import yaml
from django.utils.translation import gettext as _

from incoming_email.config_files.types import (
    PURPOSES,
    ConfigFile,
    Entry,
    Literal,
    Scalar,
    Section,
    UnreadableConfig,
    flatten,
)

MAX_SHOWN = 10
ERB = "<%"
"""Begins a tag of embedded Ruby, which GitLab evaluates before it reads the YAML."""


def read_sections(text: str, *, environment: str) -> ConfigFile:
    """Values under the environment override those at the top. Raises UnreadableConfig."""
    top = _read_mapping(text)
    below = top.get(environment)
    places = [below, top] if isinstance(below, dict) else [top]
    sections = tuple(
        Section(purpose, tuple(_entries(purpose, found)))
        for purpose in PURPOSES
        if (found := next((place[purpose] for place in places if purpose in place), None))
        is not None
    )
    if not sections:
        raise _nothing(text, top, environment)
    return ConfigFile(sections)


def _read_mapping(text: str) -> dict[str, object]:
    try:
        top = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        lines = ["", *text.splitlines(), ""]
        # Behind a tag on a line of its own, the next line is what YAML complains of.
        line -= ERB not in lines[line] and ERB in lines[line - 1]
        sentence = _(
            "Line %(line)d is not valid YAML. Put values with special characters in quotes."
        )
        if ERB in lines[line]:
            sentence = _(
                "Line %(line)d holds Ruby code, between <%% and %%>. Letterbox evaluates no Ruby,"
                " so write the value itself there."
            )
        raise UnreadableConfig(sentence % {"line": line}) from None
    except (yaml.YAMLError, RecursionError, ValueError):
        raise UnreadableConfig(_("The file is not valid YAML.")) from None
    if not isinstance(top, dict):
        raise UnreadableConfig(_("The file is not a gitlab.yml: it has no keys."))
    return {str(key): value for key, value in top.items()}


def _entries(purpose: str, found: object) -> list[Entry]:
    if not isinstance(found, dict):
        raise UnreadableConfig(
            _("%(section)s: has no settings below it. Indent them.") % {"section": purpose}
        )
    return [
        entry
        for key, value in found.items()
        for entry in flatten(str(key), _as_literal(f"{purpose}: {key}", value, depth=0))
    ]


def _as_literal(place: str, value: object, *, depth: int) -> Literal:
    """Lists, dates and other tags are not valid values here."""
    if isinstance(value, str) and ERB in value:
        raise UnreadableConfig(
            _(
                "%(place)s is Ruby code, between <%% and %%>. Letterbox evaluates no Ruby, so write"
                " the value itself there."
            )
            % {"place": place}
        )
    if value is None or isinstance(value, Scalar):
        return value
    if isinstance(value, dict) and depth < 2:  # noqa: PLR2004  (inbox_options are one level deep)
        return {
            str(key): _as_literal(f"{place}: {key}", part, depth=depth + 1)
            for key, part in value.items()
        }
    raise UnreadableConfig(
        _("%(place)s must be one text, number, true or false.") % {"place": place}
    )


def _nothing(text: str, top: dict[str, object], environment: str) -> UnreadableConfig:
    if "GITLAB_OMNIBUS_CONFIG" in text:
        return UnreadableConfig(
            _(
                "This is a compose file. Copy the lines of GITLAB_OMNIBUS_CONFIG into a file"
                " gitlab.rb and load that."
            )
        )
    names = ", ".join(sorted(top)[:MAX_SHOWN])
    return UnreadableConfig(
        _(
            "There is no section incoming_email at the top or under %(environment)s; --environment"
            " names another one. The file has: %(names)s."
        )
        % {"environment": environment, "names": names}
    )
