"""Rows for tests: one factory a model, each of them whole by itself."""

from functools import cache

import factory
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.utils import timezone
from factory.django import DjangoModelFactory

from issues.models import (
    BranchMove,
    Issue,
    Label,
    Membership,
    MergeRequest,
    MergeRequestVersion,
    Note,
    Project,
    Role,
    User,
    Visibility,
)

PASSWORD = "demo-password"


@cache
def _hashed(password: str) -> str:
    """Hashed once a run, with the cheap hasher of the test settings."""
    return make_password(password)


class EmailAddressFactory(DjangoModelFactory):
    class Meta:
        model = EmailAddress

    user = factory.SubFactory("tests.factories.UserFactory")
    email = factory.Sequence(lambda n: f"address{n}@example.com")
    verified = True


class UserFactory(DjangoModelFactory):
    """A person whose address is verified."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"person{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.com")
    password = factory.LazyFunction(lambda: _hashed(PASSWORD))

    @factory.post_generation
    def address(self, create, extracted, **kwargs):
        """`address=False` makes nobody's address; `address__verified=False` an unproven one."""
        if create and extracted is not False:
            EmailAddressFactory(user=self, email=self.email.lower(), primary=True, **kwargs)


class ProjectFactory(DjangoModelFactory):
    class Meta:
        model = Project

    path = factory.Sequence(lambda n: f"acme/project{n}")
    name = factory.LazyAttribute(lambda project: project.path.rpartition("/")[2].title())
    visibility = Visibility.PUBLIC


class MembershipFactory(DjangoModelFactory):
    class Meta:
        model = Membership

    project = factory.SubFactory(ProjectFactory)
    user = factory.SubFactory(UserFactory)
    role = Role.DEVELOPER


class LabelFactory(DjangoModelFactory):
    class Meta:
        model = Label

    project = factory.SubFactory(ProjectFactory)
    name = factory.Sequence(lambda n: f"label{n}")


def _next_iid(field: str, project: Project) -> int:
    """The counter of the project moves too, so that services go on after the factories' rows."""
    number = Project.objects.values_list(field, flat=True).get(pk=project.pk) + 1
    Project.objects.filter(pk=project.pk).update(**{field: number})
    return number


class IssueFactory(DjangoModelFactory):
    class Meta:
        model = Issue

    project = factory.SubFactory(ProjectFactory)
    author = factory.SubFactory(UserFactory)
    iid = factory.LazyAttribute(lambda issue: _next_iid("last_issue_iid", issue.project))
    title = factory.Sequence(lambda n: f"The door number {n} squeaks")
    description = "It squeaks when opened."


class MergeRequestFactory(DjangoModelFactory):
    class Meta:
        model = MergeRequest

    project = factory.SubFactory(ProjectFactory)
    author = factory.SubFactory(UserFactory)
    iid = factory.LazyAttribute(lambda mr: _next_iid("last_merge_request_iid", mr.project))
    title = factory.Sequence(lambda n: f"Oil the hinge number {n}")
    source_branch = factory.Sequence(lambda n: f"oil-{n}")
    target_branch = "main"


class MergeRequestVersionFactory(DjangoModelFactory):
    """A row alone: no repository holds these commits."""

    class Meta:
        model = MergeRequestVersion

    merge_request = factory.SubFactory(MergeRequestFactory)
    number = 1
    author = factory.SelfAttribute("merge_request.author")
    base_sha = "1" * 40
    head_sha = "2" * 40
    patch_count = 1
    branch_move = BranchMove.DONE
    created_at = factory.LazyFunction(timezone.now)


class NoteFactory(DjangoModelFactory):
    """On an issue of its own, unless `issue` or `merge_request` says otherwise."""

    class Meta:
        model = Note

    issue = factory.Maybe(
        "merge_request", yes_declaration=None, no_declaration=factory.SubFactory(IssueFactory)
    )
    merge_request = None
    author = factory.SubFactory(UserFactory)
    body = factory.Sequence(lambda n: f"I heard it too, {n} times.")
