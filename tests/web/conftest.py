"""Sites of a status page, which end with their test."""

import pytest
from fakes import FakeSink, FakeSource

from servers.webpage import Site


@pytest.fixture
def site():
    """Makes a site of workloads: `site(workload(...), sinks=None, **rules)`."""
    made = []

    def make(*workloads, sinks=None, sources=None, **options):
        sources = sources or {"docker": FakeSource(*workloads)}
        made.append(Site(sources, sinks or {"memory": FakeSink()}, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()
