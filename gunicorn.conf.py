"""What gunicorn starts with in this folder; its command line wins."""

from config.settings import LOGGING

# Said here, since a PORT in the environment would open it to every network.
bind = "127.0.0.1:8000"
threads = 4
logconfig_dict = LOGGING
# Nothing uses it, and it would lie in the home of a user who may have none.
control_socket_disable = True
