"""From a server to an effect, in the order in which the modules are called."""
