"""Plans, explanations and registrations as JSON types: for `--json` and the API."""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from syncer.api.changes import Change, Deregister, Plan, Update
from syncer.api.contracts import View
from syncer.api.left_out import LeftOut
from syncer.api.registrations import Registration
from syncer.api.text import printable
from syncer.desired.translate import Explained
from syncer.engine.queries import Once, Story, plan_digest


def plan_json(plans: Once[Plan]) -> dict[str, Any]:
    """Return the plans as JSON types."""
    return {
        "digest": plan_digest(plans),
        "sinks": {sink: _plan_json(plan) for sink, plan in plans.items()},
        "errors": dict(plans.errors),
        "not_registered": left_out_json(plans.left_out),
    }


def left_out_json(found: Iterable[LeftOut]) -> list[dict[str, str]]:
    """Return what is not registered as JSON types."""
    return [{**attrs.asdict(one), "kind": one.kind.value} for one in found]


def _plan_json(plan: Plan) -> dict[str, Any]:
    return {
        "changes": [_change_json(change) for change in plan.changes],
        "skipped": [{"id": s.id, "kind": s.kind, "reason": s.reason} for s in plan.skipped],
        "unchanged": plan.unchanged,
        "ours": plan.ours,
        "foreign": plan.foreign,
    }


def _change_json(change: Change) -> dict[str, Any]:
    held = change.old if isinstance(change, Deregister) else change.new
    found: dict[str, Any] = {"action": type(change).__name__.lower(), **registration_json(held)}
    if isinstance(change, Deregister):
        found["reason"] = change.reason.value
    if isinstance(change, Update):
        found["differences"] = [
            {"field": name, "old": _plain(old), "new": _plain(new)}
            for name, old, new in change.differences()
        ]
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value


def registration_json(registration: Registration) -> dict[str, Any]:
    """Return a registration as JSON types, with its mark."""
    instance = registration.instance
    return {
        "id": instance.id,
        "service": instance.service,
        "address": instance.address,
        "port": instance.port,
        "protocol": instance.protocol,
        "tags": list(instance.tags),
        "meta": dict(instance.meta),
        "checks": [check.key for check in instance.checks],
        "status": instance.shown_status,
        "mark": registration.mark.fields() if registration.mark else None,
    }


def story_json(story: Story) -> dict[str, Any]:
    """Return an explanation as JSON types."""
    workload, translated = story.entry.workload, story.entry.translated
    return {
        "source": story.source,
        "workload": workload.id,
        "name": workload.name,
        "state": workload.state.value if story.entry.described else "unknown",
        "health": workload.health.value if workload.health else None,
        "health_output": printable(workload.health_output, 200),
        "image": workload.image,
        "parser": translated.parser,
        "left_out": translated.left_out,
        "problems": list(translated.problems),
        "not_registered": left_out_json(story.left_out),
        "offers": [_explained_json(explained) for explained in translated.explained],
        "sinks": {sink: dict(standing) for sink, standing in story.sinks.items()},
    }


def _explained_json(explained: Explained) -> dict[str, Any]:
    instance = explained.instance
    return {
        "service": explained.offer.service,
        "port": explained.offer.port,
        "protocol": explained.offer.protocol,
        "because": explained.offer.because,
        "why": explained.why,
        "rule": explained.choice.rule,
        "rejected": [{"rule": rule, "why": why} for rule, why in explained.choice.rejected],
        "instance": registration_json(Registration(instance=instance)) if instance else None,
    }


def view_json(view: View[Registration]) -> dict[str, Any]:
    """Return a listing as JSON types."""
    items = [registration_json(registration) for registration in view.items]
    return {"complete": view.complete, "registrations": items}
