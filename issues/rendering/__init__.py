"""Markdown of people and mails, as HTML that is safe in our pages and mails."""

from issues.rendering.rendering import (
    render_mail,
    render_markdown,
    show_unformatted,
    without_pictures,
)

__all__ = ["render_mail", "render_markdown", "show_unformatted", "without_pictures"]
