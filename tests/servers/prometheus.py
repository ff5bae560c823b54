"""A real Prometheus, as a consumer: what it discovers in registries that syncer filled."""

import json
import re
import shutil
import subprocess
import urllib.request

from servers.process import free_port
from servers.real import RealServer

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def missing():
    """Why no Prometheus can be started here, in words; empty if one can."""
    return "" if shutil.which("prometheus") else "not on the PATH: prometheus"


def version():
    """The version of the prometheus program."""
    run = subprocess.run(["prometheus", "--version"], capture_output=True, text=True, check=True)
    return re.search(r"version ([\d.]+)", run.stdout + run.stderr).group(1)


class Prometheus(RealServer):
    """Discovers, and never scrapes for long; jobs are named and given as discovery settings."""

    def __init__(self, guard, name, jobs):
        super().__init__(guard, name)
        self.folder.mkdir()
        self._listen = f"127.0.0.1:{free_port()}"
        settings = {
            "global": {"scrape_interval": "60s"},
            "scrape_configs": [{"job_name": job, **found} for job, found in jobs.items()],
        }
        (self.folder / "prometheus.yml").write_text(json.dumps(settings))  # JSON is YAML

    def _argv(self):
        return [
            "prometheus",
            f"--config.file={self.folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address={self._listen}",
        ]

    def _ready(self):
        return self._get("/-/ready") is not None

    def targets(self, job):
        """What it discovered for a job: labels by address, `__meta_...` included."""
        found = json.loads(self._get("/api/v1/targets"))["data"]
        every = [*found["activeTargets"], *found["droppedTargets"]]
        labels = [target["discoveredLabels"] for target in every]
        return {one["__address__"]: one for one in labels if one["job"] == job}

    def _get(self, path):
        with _OPENER.open(f"http://{self._listen}{path}", timeout=30) as answer:
            return answer.read()
