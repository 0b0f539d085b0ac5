"""HTML bodies to safe Markdown."""
