"""Tags and filters of the pages of team members."""
