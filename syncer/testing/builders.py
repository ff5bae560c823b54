"""Complete, simple values for tests; keyword arguments override fields."""

from typing import Any

from syncer import Instance, Mark, Offer, Port, Registration, Workload

OWNER = "syncer"
SCOPE = "kit-scope"
SOURCE = "kit"


def make_instance(service: str = "web", port: int = 8080, **fields: Any) -> Instance:
    """Return an instance `kit-scope:SERVICE:PORT` at 10.0.0.5."""
    given = {"id": f"{SCOPE}:{service}:{port}", "address": "10.0.0.5", **fields}
    return Instance(service=service, port=port, **given)


def make_mark(instance: Instance | None = None, **fields: Any) -> Mark:
    """Return a mark of the kit's owner, scope and source, with the digest of the instance."""
    digest = (instance or make_instance()).digest()
    named = {"owner": OWNER, "scope": SCOPE, "source": SOURCE, "workload": "w1", "digest": digest}
    return Mark(**{**named, **fields})


def make_registration(instance: Instance | None = None, **mark: Any) -> Registration:
    """Return a registration with a mark; keyword arguments are fields of the mark."""
    instance = instance or make_instance()
    return Registration(instance=instance, mark=make_mark(instance, **mark))


def make_workload(name: str = "web", port: int = 8080, **fields: Any) -> Workload:
    """Return a running workload with one offer, named like itself."""
    offer = Offer(service=name, port=port, register_address="10.0.0.5", register_port=port)
    given: dict[str, Any] = {
        "source": SOURCE,
        "scope": SCOPE,
        "id": name,
        "ports": (Port(number=port),),
        "offers": (offer,),
        **fields,
    }
    return Workload(name=name, **given)
