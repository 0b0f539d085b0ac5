"""A method that Letterbox does not have, as somebody would add it: its server is made up."""
