"""The pages of team members."""
