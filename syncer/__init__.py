"""syncer keeps service registries equal to what really runs.

This is the facade for plugin authors and for programs that embed the engine. Every name is
imported when it is first used, so `import syncer` costs almost nothing.
"""

import re
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # for type checkers, and read below: so each name is listed once
    from syncer.api.changes import Change as Change
    from syncer.api.changes import Deregister as Deregister
    from syncer.api.changes import Outcome as Outcome
    from syncer.api.changes import Plan as Plan
    from syncer.api.changes import Reason as Reason
    from syncer.api.changes import Register as Register
    from syncer.api.changes import Skip as Skip
    from syncer.api.changes import Update as Update
    from syncer.api.checks import Check as Check
    from syncer.api.checks import CheckKey as CheckKey
    from syncer.api.checks import CheckResult as CheckResult
    from syncer.api.checks import CheckStatus as CheckStatus
    from syncer.api.checks import Native as Native
    from syncer.api.checks import Probe as Probe
    from syncer.api.checks import Problem as Problem
    from syncer.api.checks import Shown as Shown
    from syncer.api.contracts import Locks as Locks
    from syncer.api.contracts import Sink as Sink
    from syncer.api.contracts import Source as Source
    from syncer.api.contracts import Unclear as Unclear
    from syncer.api.contracts import View as View
    from syncer.api.errors import ConfigError as ConfigError
    from syncer.api.errors import Conflict as Conflict
    from syncer.api.errors import PermanentError as PermanentError
    from syncer.api.errors import PluginError as PluginError
    from syncer.api.errors import SyncerError as SyncerError
    from syncer.api.errors import TemporaryError as TemporaryError
    from syncer.api.fields import at_least as at_least
    from syncer.api.fields import bracketed as bracketed
    from syncer.api.fields import one_of as one_of
    from syncer.api.fields import positive as positive
    from syncer.api.fields import within as within
    from syncer.api.findings import Finding as Finding
    from syncer.api.findings import Level as Level
    from syncer.api.findings import clock_finding as clock_finding
    from syncer.api.kinds import CheckTranslator as CheckTranslator
    from syncer.api.kinds import CommandLine as CommandLine
    from syncer.api.kinds import Context as Context
    from syncer.api.kinds import Invocation as Invocation
    from syncer.api.kinds import LabelParser as LabelParser
    from syncer.api.kinds import Parsed as Parsed
    from syncer.api.kinds import Reachable as Reachable
    from syncer.api.kinds import SinkType as SinkType
    from syncer.api.kinds import SourceType as SourceType
    from syncer.api.kinds import translate_checks as translate_checks
    from syncer.api.left_out import LeftOut as LeftOut
    from syncer.api.left_out import LeftOutKind as LeftOutKind
    from syncer.api.options import Secret as Secret
    from syncer.api.options import for_header as for_header
    from syncer.api.options import option as option
    from syncer.api.options import parse_duration as parse_duration
    from syncer.api.registrations import STATUS_KEY as STATUS_KEY
    from syncer.api.registrations import FoundAs as FoundAs
    from syncer.api.registrations import Instance as Instance
    from syncer.api.registrations import Mark as Mark
    from syncer.api.registrations import Origin as Origin
    from syncer.api.registrations import Registration as Registration
    from syncer.api.registrations import Unhealthy as Unhealthy
    from syncer.api.registrations import with_status as with_status
    from syncer.api.secrets import hidden as hidden
    from syncer.api.secrets import sendable as sendable
    from syncer.api.text import choice as choice
    from syncer.api.text import did_you_mean as did_you_mean
    from syncer.api.text import fold_case as fold_case
    from syncer.api.text import one_line as one_line
    from syncer.api.text import printable as printable
    from syncer.api.text import shown_address as shown_address
    from syncer.api.text import some_of as some_of
    from syncer.api.workloads import Binding as Binding
    from syncer.api.workloads import Health as Health
    from syncer.api.workloads import Host as Host
    from syncer.api.workloads import Network as Network
    from syncer.api.workloads import Offer as Offer
    from syncer.api.workloads import Port as Port
    from syncer.api.workloads import State as State
    from syncer.api.workloads import Status as Status
    from syncer.api.workloads import Workload as Workload
    from syncer.desired.addresses import AddressRules as AddressRules
    from syncer.desired.filters import Filter as Filter
    from syncer.engine.election import Lock as Lock
    from syncer.engine.engine import Engine as Engine
    from syncer.engine.parts import SinkPart as SinkPart
    from syncer.engine.parts import SourcePart as SourcePart
    from syncer.engine.probes.translator import probing as probing
    from syncer.engine.queries import Once as Once
    from syncer.engine.queries import plan_digest as plan_digest
    from syncer.kits.mirror import MirrorSource as MirrorSource
    from syncer.kits.mirror import as_workload as as_workload
    from syncer.kits.mirror import is_mirrored as is_mirrored
    from syncer.kits.mirror import mirrored as mirrored
    from syncer.plan.guard import GuardRules as GuardRules
    from syncer.plugin.assembly import open_engine as open_engine
    from syncer.plugin.hookspecs import hookimpl as hookimpl

__version__ = "0.1.0"

with open(__file__, encoding="utf-8") as _source:
    _LINES = re.findall(r"^    from (\S+) import (\w+) as", _source.read(), re.MULTILINE)
_HOME_OF = {name: home for home, name in _LINES}

__all__ = ["__version__", *sorted(_HOME_OF)]  # noqa: PLE0604 - all are text

if not TYPE_CHECKING:  # a type checker must not take an unknown name for Any

    def __getattr__(name: str) -> object:
        if name not in _HOME_OF:
            raise AttributeError(f"module 'syncer' has no attribute {name!r}")
        return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
