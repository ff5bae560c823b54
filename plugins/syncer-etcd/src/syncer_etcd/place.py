"""The layout and the name of the registry that the options choose."""

import attrs

from syncer.kits.keyvalue import Layout, load_layout
from syncer_etcd.options import EtcdOptions

GROUP = "syncer_etcd.layouts"


def layout_of(options: EtcdOptions) -> Layout:
    """Return the layout that the options choose; raises ConfigError."""
    return load_layout(GROUP, options.layout, options.prefix, options.layout_options)


def registry_of(options: EtcdOptions) -> str:
    """Return a lasting name of the registry: `127.0.0.1:2379/services?layout=json`.

    Of the members it has only the first by name, so that neither their order nor a change of
    members makes another registry. The usual layout, `registrator`, is not named.
    """
    cluster = min(member.address.lower() for member in options.members)
    place = layout_of(options).base.strip("/")
    usual = attrs.fields(EtcdOptions).layout.default
    layout = "" if options.layout == usual else f"?layout={options.layout}"
    return f"{cluster}/{place}{layout}"
