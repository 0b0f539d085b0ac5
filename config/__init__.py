"""Wiring: settings, Celery, URLs. No logic."""

import sys

from django.core.exceptions import ImproperlyConfigured

try:
    from config.celery import app as celery_app
except ImproperlyConfigured as error:
    # manage.py, celery and gunicorn all import this first: they end with the sentence alone.
    sys.exit(str(error))

__all__ = ["celery_app"]
