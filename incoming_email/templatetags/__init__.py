"""Template tags that show what only its owner may see."""
