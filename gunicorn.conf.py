"""Gunicorn's settings when started in this folder; its command line wins."""

from config.web_server import *  # noqa: F403
