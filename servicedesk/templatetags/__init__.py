"""Template tags that put the desk into the pages of issues."""
