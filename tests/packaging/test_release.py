"""The workflow that publishes builds what this repository has, and has few rights."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / "contrib/release/github.yml"
JOBS = yaml.safe_load(WORKFLOW.read_text())["jobs"]
COMMANDS = "\n".join(step["run"] for job in JOBS.values() for step in job["steps"] if "run" in step)


def test_it_builds_what_there_is():
    """Targets of make, stages and the file of the image, and lock files exist."""
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"\bmake (\w+)", COMMANDS):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for lock in re.findall(r"locks/[\w.]+", COMMANDS):
        assert (ROOT / lock).exists(), lock
    (build,) = (s["with"] for s in JOBS["image"]["steps"] if "build-push" in s.get("uses", ""))
    dockerfile = (ROOT / build["file"]).read_text()
    for image in JOBS["image"]["strategy"]["matrix"]["include"]:
        assert re.search(rf"^FROM \S+ AS {image['target']}$", dockerfile, re.MULTILINE)


def test_what_is_published_can_be_traced():
    """Wheels and images come with provenance, the image with an SBOM too."""
    for name in ("wheels", "image"):
        used = [step.get("uses", "") for step in JOBS[name]["steps"]]
        assert any(action.startswith("actions/attest-build-provenance@") for action in used)
    (build,) = (s["with"] for s in JOBS["image"]["steps"] if "build-push" in s.get("uses", ""))
    assert (build["sbom"], build["provenance"]) == (True, "mode=max")


@pytest.mark.parametrize("job", JOBS)
def test_each_job_has_only_the_rights_that_it_needs(job):
    """Nothing writes to the repository, only the image writes packages, and no secret is stored."""
    rights = JOBS[job]["permissions"]
    assert rights.get("contents", "read") == "read"
    assert ("packages" in rights) == (job == "image")
    assert "secrets." not in WORKFLOW.read_text()
