"""Markdown as GitHub and GitLab read it, into HTML that is not cleaned yet."""

import comrak

_EXTENSIONS = comrak.ExtensionOptions(
    table=True,
    strikethrough=True,
    tasklist=True,
    autolink=True,
    # CommonMark alone does not close "**(a)**" before a letter, which Korean particles are.
    cjk_friendly_emphasis=True,
)
_PARSING = comrak.ParseOptions()
_RENDERING = comrak.RenderOptions(
    hardbreaks=True,  # mail is written in lines
    github_pre_lang=True,
)


def to_html(text: str) -> str:
    """GFM's tables, task lists, strikethrough and autolinks; raw HTML is left out.

    Well formed, and only of elements that Markdown has. Use no syntax tree of comrak's
    (`parse_document`): making it recurses, and 100,000 `>` end the process.
    """
    # Without a last line end comrak takes "1." for a paragraph, where CommonMark has a list.
    return comrak.markdown_to_html(f"{text}\n", _EXTENSIONS, _PARSING, _RENDERING)
