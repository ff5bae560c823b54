"""What each test run used: the list of real servers at its end."""

from collections import Counter

import pytest


class Usage:
    """Which servers were started, how many tests used each, and which were left out and why."""

    def __init__(self):
        self.versions = {}
        self.tests = Counter()
        self.left_out = {}

    def plain(self):
        """All of it in plain types, for the process that collects what several workers did."""
        return [dict(self.versions), dict(self.tests), dict(self.left_out)]

    def add(self, plain):
        """Count what a worker did."""
        versions, tests, left_out = plain
        self.versions.update(versions)
        self.tests.update(tests)
        self.left_out.update(left_out)

    def lines(self):
        """The summary's lines."""
        for server, version in sorted(self.versions.items()):
            yield f"{server} {version}: used by {_tests(self.tests[server])}"
        for server, reason in sorted(self.left_out.items()):
            yield f"LEFT OUT: {server}: {reason}"


def _tests(number):
    return f"{number} test" if number == 1 else f"{number} tests"


USAGE = pytest.StashKey[Usage]()
