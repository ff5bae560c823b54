"""Complete values for tests. Keyword arguments replace any field."""

from typing import Any

from syncer import Instance, Mark, Offer, Port, Registration, Workload

OWNER = "syncer"
SCOPE = "kit-scope"
SOURCE = "kit"


def make_instance(service: str = "web", port: int = 8080, **fields: Any) -> Instance:
    """Make an instance with the id `kit-scope:SERVICE:PORT` at 10.0.0.5."""
    given = {"id": f"{SCOPE}:{service}:{port}", "address": "10.0.0.5", **fields}
    return Instance(service=service, port=port, **given)


def make_mark(instance: Instance | None = None, **fields: Any) -> Mark:
    """Make a mark with the kit's owner, scope and source, and the digest of the instance."""
    digest = (instance or make_instance()).digest()
    named = {"owner": OWNER, "scope": SCOPE, "source": SOURCE, "workload": "w1", "digest": digest}
    return Mark(**{**named, **fields})


def make_registration(instance: Instance | None = None, **mark: Any) -> Registration:
    """Make a registration with a mark. Keyword arguments are fields of the mark."""
    instance = instance or make_instance()
    return Registration(instance=instance, mark=make_mark(instance, **mark))


def make_workload(name: str = "web", port: int = 8080, **fields: Any) -> Workload:
    """Make a running workload that offers one service with its name, without a label parser."""
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
