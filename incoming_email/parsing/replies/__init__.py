"""What a person wrote, and what was quoted, added or forwarded."""
