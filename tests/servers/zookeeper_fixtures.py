"""pytest's side of the ZooKeeper servers; see `servers.fixtures`."""
