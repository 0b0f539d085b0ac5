#!/usr/bin/env python
"""The command line in a checkout."""

from config.command import main

if __name__ == "__main__":
    main()
