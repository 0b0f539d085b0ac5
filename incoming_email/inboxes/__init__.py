"""Where mail comes from: one folder an inbox method, and what the methods share. Plain Python."""
