"""From a server to an effect, in the order of the way."""
