"""Gunicorn's settings, of `gunicorn.conf.py` and of --config python:config.web_server."""

import resource
from typing import Any

from config.settings import (
    LOGGING,
    WEB_MAX_MEMORY_BYTES,
    WEB_MAX_REQUESTS,
    WEB_PORT,
    WORKER_SHUTDOWN_SECONDS,
)

# Not PORT: gunicorn would listen on every network.
bind = f"127.0.0.1:{WEB_PORT}"
threads = 4
# That a request under way has after SIGTERM.
graceful_timeout = WORKER_SHUTDOWN_SECONDS
# A process that is replaced now and then gives back what memory it has gathered.
max_requests = WEB_MAX_REQUESTS
max_requests_jitter = WEB_MAX_REQUESTS // 10
logconfig_dict = LOGGING
# Whom X-Forwarded-Proto is taken from is for config.proxies to say.
forwarded_allow_ips = ""
# Nothing uses it, and it would be created in the home of a user who may have none.
control_socket_disable = True


def post_request(worker: Any, _request: Any, _environ: Any, _response: Any) -> None:
    """A process that ever had much memory is replaced, as after `max_requests`: it takes no more
    connections, ends what is under way, and gunicorn starts another one."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if worker.alive and 0 < WEB_MAX_MEMORY_BYTES <= most:
        worker.log.info("Autorestarting worker, which had %d bytes of memory.", most)
        worker.alive = False
