"""For sinks over stores of keys and values: layouts, records, and what a listing means.

Public for plugin authors, beside `syncer` itself. A layout says how an instance stands under a
key, so that its consumers find it; the sink, a `LayoutSink`, brings the store: requests,
conditions, leases.
"""

from syncer.kits.keyvalue.json_layout import JsonLayout as JsonLayout
from syncer.kits.keyvalue.layout import Layout as Layout
from syncer.kits.keyvalue.layout import choose as choose
from syncer.kits.keyvalue.layout import load_layout as load_layout
from syncer.kits.keyvalue.layout import needs_port as needs_port
from syncer.kits.keyvalue.layout import segment as segment
from syncer.kits.keyvalue.layout import split_endpoint as split_endpoint
from syncer.kits.keyvalue.layout_sink import LayoutSink as LayoutSink
from syncer.kits.keyvalue.layout_sink import prepared as prepared
from syncer.kits.keyvalue.layout_sink import subjects as subjects
from syncer.kits.keyvalue.meaning import by_id as by_id
from syncer.kits.keyvalue.meaning import meaning as meaning
from syncer.kits.keyvalue.meaning import parked as parked
from syncer.kits.keyvalue.meaning import parks as parks
from syncer.kits.keyvalue.registrator_layout import RegistratorLayout as RegistratorLayout
