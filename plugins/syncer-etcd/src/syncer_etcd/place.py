"""Which entries of which cluster the options mean."""

import attrs

from syncer.kits.keyvalue import Layout, load_layout
from syncer_etcd.options import EtcdOptions

GROUP = "syncer_etcd.layouts"


def layout_of(options: EtcdOptions) -> Layout:
    """The layout that the options choose; raises ConfigError."""
    return load_layout(GROUP, options.layout, options.prefix, options.layout_options)


def registry_of(options: EtcdOptions) -> str:
    """The registry in words that stay: `127.0.0.1:2379/services?layout=json`.

    Of the members only the first by name is in it, so that neither their order nor one that
    comes or goes makes another registry; nor who asks, nor how. `registrator`, the usual layout,
    is not named.
    """
    cluster = min(member.address.lower() for member in options.members)
    place = layout_of(options).base.strip("/")
    usual = attrs.fields(EtcdOptions).layout.default
    layout = "" if options.layout == usual else f"?layout={options.layout}"
    return f"{cluster}/{place}{layout}"
