"""A soak: thousands of container changes and many faults, and whether syncer stays the same size.

    make soak ARGS="--minutes 10 --seed 1"

One `syncer run` between a made-up Docker engine and real Consul, etcd, Eureka and ZooKeeper
servers, each behind a proxy. Containers change at a steady rate all the time. First nothing else
happens, then one fault after another, then nothing again; the first and the last part are
compared. Nothing of syncer is imported: what is measured is what the kernel and the servers say.
"""
