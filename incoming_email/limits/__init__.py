"""How much mail of one sender is answered, and whose is not wanted."""
