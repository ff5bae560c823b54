"""The kit for label parsers: read settings from labels, convert their texts, report mistakes.

Public for plugin authors, in addition to `syncer` itself; `values` has the converters, `checks`
the kinds of checks. Anyone who may start a container writes labels. So every text is bounded
here, and nothing that is shown can forge a line.
"""

from syncer.kits.labels.artefacts import as_meant as as_meant
from syncer.kits.labels.artefacts import host_port as host_port
from syncer.kits.labels.artefacts import report_quotes as report_quotes
from syncer.kits.labels.ids import with_own_ids as with_own_ids
from syncer.kits.labels.problems import LONGEST_NAME as LONGEST_NAME
from syncer.kits.labels.problems import LONGEST_TEXT as LONGEST_TEXT
from syncer.kits.labels.problems import MOST_PROBLEMS as MOST_PROBLEMS
from syncer.kits.labels.problems import SHOWN as SHOWN
from syncer.kits.labels.problems import BadValue as BadValue
from syncer.kits.labels.problems import Problems as Problems
from syncer.kits.labels.problems import escaped as escaped
from syncer.kits.labels.problems import quoted as quoted
from syncer.kits.labels.problems import unfit as unfit
from syncer.kits.labels.settings import Setting as Setting
from syncer.kits.labels.settings import Settings as Settings
