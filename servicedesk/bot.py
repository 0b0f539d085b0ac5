"""The account that opens tickets and writes the desk's own notes."""

from issues import services
from issues.models import Membership, Project, Role, User

USERNAME = "support-bot"


def find_bot(project: Project) -> User:
    """A reporter of the project; made at the first use.

    Without password and address: nobody logs in as it, and no mail goes to it.
    """
    bot = User.objects.filter(username=USERNAME).first()
    if bot is None:
        bot, _created = User.objects.get_or_create(
            username=USERNAME,
            defaults={"first_name": "Support", "last_name": "bot", "password": "!"},
        )
    if not Membership.objects.filter(project=project, user=bot).exists():
        services.add_member(project=project, user=bot, role=Role.REPORTER)
    return bot
