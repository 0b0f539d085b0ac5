"""How much mail of one sender is answered."""
