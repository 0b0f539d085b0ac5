"""`python -m tests.fuzzing.one TARGET …`: fuzzes one target, with options of libFuzzer."""

import os
import sys
from functools import partial

import atheris
import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings_test")

with atheris.instrument_imports(include=["incoming_email", "issues", "servicedesk", "dkim"]):
    django.setup()
    from tests.fuzzing.judging import FOUND, judge, watch
    from tests.fuzzing.targets import TARGETS

if __name__ == "__main__":
    name = sys.argv.pop(1)
    atheris.Setup(sys.argv, watch(partial(judge, TARGETS[name]), FOUND / name / "found"))
    atheris.Fuzz()
