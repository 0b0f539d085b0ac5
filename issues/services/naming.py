"""Keeps what people without an account call themselves."""

from collections.abc import Iterable

from issues.external_people import parse_name
from issues.mail_addresses import canonical_address
from issues.models import ExternalPerson, Project


def remember_name(project: Project, address: str, name: str, *, proven: bool) -> None:
    """Of whoever wrote from this address, where it is a name. One that is proven to be theirs is
    changed by such mail alone."""
    name, address = parse_name(name), canonical_address(address)
    if not (name and address) or len(address) > ExternalPerson.MAX_ADDRESS:
        return
    person, is_new = ExternalPerson.objects.get_or_create(
        project=project, address=address, defaults={"name": name, "proven": proven}
    )
    is_changed = (person.name, person.proven) != (name, proven)
    if not is_new and is_changed and (proven or not person.proven):
        ExternalPerson.objects.filter(pk=person.pk).update(name=name, proven=proven)


def copy_names(addresses: Iterable[str], *, before: Project, to: Project) -> None:
    """Whom `to` has a name of keeps that one."""
    wanted = {canonical_address(address) for address in addresses}
    known = ExternalPerson.objects.filter(project=before, address__in=wanted)
    people = [
        ExternalPerson(project=to, address=each.address, name=each.name, proven=each.proven)
        for each in known
    ]
    ExternalPerson.objects.bulk_create(people, ignore_conflicts=True)
