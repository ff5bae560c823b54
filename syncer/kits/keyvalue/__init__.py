"""For sinks over stores of keys and values.

Public for plugin authors, in addition to `syncer` itself. A layout says how an instance is written
under a key, so that its consumers find it. The sink, a `LayoutSink`, makes the requests; a
`HeldSink` has its entries held by a lease or session. Listings, versions, transactions and locks
are the same for all such stores.
"""

from syncer.kits.keyvalue.batches import batches as batches
from syncer.kits.keyvalue.batches import done as done
from syncer.kits.keyvalue.batches import send_all as send_all
from syncer.kits.keyvalue.entries import Entry as Entry
from syncer.kits.keyvalue.entries import Version as Version
from syncer.kits.keyvalue.entries import entry_key as entry_key
from syncer.kits.keyvalue.entries import prefixes as prefixes
from syncer.kits.keyvalue.entries import twin_key as twin_key
from syncer.kits.keyvalue.entries import values as values
from syncer.kits.keyvalue.holder import Holder as Holder
from syncer.kits.keyvalue.json_layout import JsonLayout as JsonLayout
from syncer.kits.keyvalue.layout import Layout as Layout
from syncer.kits.keyvalue.layout import choose as choose
from syncer.kits.keyvalue.layout import load_layout as load_layout
from syncer.kits.keyvalue.layout import segment as segment
from syncer.kits.keyvalue.layout import split_endpoint as split_endpoint
from syncer.kits.keyvalue.layout_sink import HeldSink as HeldSink
from syncer.kits.keyvalue.layout_sink import LayoutSink as LayoutSink
from syncer.kits.keyvalue.layout_sink import prepared as prepared
from syncer.kits.keyvalue.layout_sink import subjects as subjects
from syncer.kits.keyvalue.listing import EntryListing as EntryListing
from syncer.kits.keyvalue.listing import Listing as Listing
from syncer.kits.keyvalue.locks import KeyLocks as KeyLocks
from syncer.kits.keyvalue.meaning import by_id as by_id
from syncer.kits.keyvalue.meaning import meaning as meaning
from syncer.kits.keyvalue.meaning import parked as parked
from syncer.kits.keyvalue.meaning import parks as parks
from syncer.kits.keyvalue.registrator_layout import RegistratorLayout as RegistratorLayout
