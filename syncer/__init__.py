"""syncer keeps service registries equal to what really runs.

This module is the facade for programs that embed the engine and for plugin authors; every
name is imported when it is first used, so that `import syncer` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from syncer.addresses import AddressRules as AddressRules
    from syncer.answers import Once as Once
    from syncer.answers import plan_digest as plan_digest
    from syncer.assemble import open_engine as open_engine
    from syncer.changes import Change as Change
    from syncer.changes import Deregister as Deregister
    from syncer.changes import Outcome as Outcome
    from syncer.changes import Plan as Plan
    from syncer.changes import Reason as Reason
    from syncer.changes import Register as Register
    from syncer.changes import Skip as Skip
    from syncer.changes import Update as Update
    from syncer.check_probes import probing as probing
    from syncer.checks import Check as Check
    from syncer.checks import CheckKey as CheckKey
    from syncer.checks import CheckResult as CheckResult
    from syncer.checks import CheckStatus as CheckStatus
    from syncer.checks import Native as Native
    from syncer.checks import Probe as Probe
    from syncer.checks import Problem as Problem
    from syncer.checks import Shown as Shown
    from syncer.command_lines import CommandLine as CommandLine
    from syncer.command_lines import Invocation as Invocation
    from syncer.contracts import CheckTranslator as CheckTranslator
    from syncer.contracts import Context as Context
    from syncer.contracts import LabelParser as LabelParser
    from syncer.contracts import Parsed as Parsed
    from syncer.contracts import Reachable as Reachable
    from syncer.contracts import Sink as Sink
    from syncer.contracts import SinkType as SinkType
    from syncer.contracts import Source as Source
    from syncer.contracts import SourceType as SourceType
    from syncer.contracts import translate_checks as translate_checks
    from syncer.election import Lock as Lock
    from syncer.engine import Engine as Engine
    from syncer.errors import ConfigError as ConfigError
    from syncer.errors import Conflict as Conflict
    from syncer.errors import PermanentError as PermanentError
    from syncer.errors import PluginError as PluginError
    from syncer.errors import SyncerError as SyncerError
    from syncer.errors import TemporaryError as TemporaryError
    from syncer.filters import Filter as Filter
    from syncer.findings import Finding as Finding
    from syncer.findings import Level as Level
    from syncer.findings import clock_finding as clock_finding
    from syncer.guard import GuardRules as GuardRules
    from syncer.hookspecs import hookimpl as hookimpl
    from syncer.mirror import MirrorSource as MirrorSource
    from syncer.mirror import as_workload as as_workload
    from syncer.mirror import is_mirrored as is_mirrored
    from syncer.mirror import mirrored as mirrored
    from syncer.model import STATUS_KEY as STATUS_KEY
    from syncer.model import Binding as Binding
    from syncer.model import Health as Health
    from syncer.model import Host as Host
    from syncer.model import Instance as Instance
    from syncer.model import Mark as Mark
    from syncer.model import Network as Network
    from syncer.model import Offer as Offer
    from syncer.model import Origin as Origin
    from syncer.model import Port as Port
    from syncer.model import Registration as Registration
    from syncer.model import State as State
    from syncer.model import Status as Status
    from syncer.model import View as View
    from syncer.model import Workload as Workload
    from syncer.options import Secret as Secret
    from syncer.options import option as option
    from syncer.options import parse_duration as parse_duration
    from syncer.parts import SinkPart as SinkPart
    from syncer.parts import SourcePart as SourcePart
    from syncer.unhealthy import Unhealthy as Unhealthy
    from syncer.unhealthy import with_status as with_status
    from syncer.values import bracketed as bracketed

__version__ = "0.1.0"

_HOMES = {
    "syncer.addresses": "AddressRules",
    "syncer.assemble": "open_engine",
    "syncer.answers": "Once plan_digest",
    "syncer.election": "Lock",
    "syncer.engine": "Engine",
    "syncer.filters": "Filter",
    "syncer.findings": "Finding Level clock_finding",
    "syncer.guard": "GuardRules",
    "syncer.parts": "SinkPart SourcePart",
    "syncer.changes": "Change Deregister Outcome Plan Reason Register Skip Update",
    "syncer.checks": "Check CheckKey CheckResult CheckStatus Native Probe Problem Shown",
    "syncer.command_lines": "CommandLine Invocation",
    "syncer.contracts": (
        "CheckTranslator Context LabelParser Parsed Reachable Sink SinkType Source SourceType"
        " translate_checks"
    ),
    "syncer.errors": ("ConfigError Conflict PermanentError PluginError SyncerError TemporaryError"),
    "syncer.hookspecs": "hookimpl",
    "syncer.mirror": "MirrorSource as_workload is_mirrored mirrored",
    "syncer.model": (
        "STATUS_KEY Binding Health Host Instance Mark Network Offer Origin Port Registration State"
        " Status View Workload"
    ),
    "syncer.options": "Secret option parse_duration",
    "syncer.check_probes": "probing",
    "syncer.unhealthy": "Unhealthy with_status",
    "syncer.values": "bracketed",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = ["__version__", *sorted(_HOME_OF)]  # noqa: PLE0604 - all are text


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'syncer' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
