"""Characters that carry what the HTML's structure says through Markdown to the text rules.

They are noncharacters (Unicode 23.7), which no mail may hold: they are removed from the markup
before, and from both halves after.
"""

QUOTE = "\ufdd0"
"""First in a block quote: the mail program marked it as an earlier mail."""

HISTORY = "\ufdd1"
"""Alone on a line: all below is an earlier mail."""

SIGNATURE = "\ufdd2"
"""Alone on a line: a signature begins."""

BREAK = "\ufdee"
"""Alone on a line: parts two quotes, and is gone in the end."""

BLANK = "\ufdef"
"""On a line of code that is blank, so that it is kept; gone in the end as well."""

_SPECIAL = "*_`[]<>\\~&@#+-=|:/.)"

STAND_INS = {mark: chr(0xFDD3 + place) for place, mark in enumerate(_SPECIAL)}
"""Replacements for characters of the text that must not act as Markdown.

Escaping before the conversion does not work: the converter escapes some characters too, and two
backslashes cancel each other.
"""

WRITTEN = {ord(stand_in): f"\\{mark}" for mark, stand_in in STAND_INS.items()}
"""For `str.translate`: the stand-ins as Markdown escapes."""

REMOVED = dict.fromkeys(range(0xFDD0, 0xFDF0))
"""For `str.translate`: all noncharacters of that block."""
