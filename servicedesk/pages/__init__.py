"""The pages of the team about the desk and its tickets."""
