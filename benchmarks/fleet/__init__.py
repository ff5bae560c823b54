"""What a host costs a registry that many hosts share, and what many hosts together cost it.

    python -m benchmarks fleet                     both parts, short
    python -m benchmarks fleet --parts beside --sizes 0,2000,20000 --changes 5 --seconds 60
    python -m benchmarks fleet --parts together --hosts 30,100,300 --registries etcd

`beside`: one `syncer run` with 20 services, and entries of other hosts that change meanwhile.
`together`: engines as real as can be, hundreds of them in few processes, on one registry.
Nothing of syncer is used but its public parts, so two checkouts can be compared.
"""

from benchmarks.fleet import beside, together

PARTS = {"beside": beside, "together": together}


def run(
    sizes: tuple[int, ...],
    registries: tuple[str, ...],
    repeat: int,  # noqa: ARG001 - each point is measured once, for as long as asked for
    *,
    parts: tuple[str, ...] = tuple(PARTS),
    hosts: tuple[int, ...] = (30, 100, 300),
    changes: float = 5.0,
    seconds: float = 30.0,
) -> None:
    """Measure each part with each of its registries."""
    given = {"beside": sizes, "together": hosts}
    for part in parts:
        known = PARTS[part].KINDS
        for registry in [name for name in registries if name in known] or known:
            PARTS[part].run(registry, given[part], changes, seconds)
