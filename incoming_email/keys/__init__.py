"""Secret keys in addresses, and which addresses are ours."""
