"""One server of OpenStack Swift, run by Swift's own environment: swift_server.py ETC NAME CONF.

Swift reads swift.conf from /etc/swift; `set_swift_dir` says another folder before it is read.
With NAME "rings" CONF is the first back end's port, and the three rings are written.
"""

import sys
from pathlib import Path


def rings(etc: str, port: int) -> None:
    """One replica on one device each for accounts, containers and objects."""
    from swift.common.ring import RingBuilder

    for number, name in enumerate(("account", "container", "object")):
        builder = RingBuilder(4, 1, 0)
        builder.add_dev({
            "region": 1, "zone": 1, "ip": "127.0.0.1", "port": port + number, "device": "disk",
            "weight": 1.0, "meta": "", "replication_ip": "127.0.0.1",
            "replication_port": port + number,
        })  # fmt: skip
        builder.rebalance(seed=0)
        builder.get_ring().save(str(Path(etc) / f"{name}.ring.gz"))


def main() -> None:
    """Write the rings, or serve until killed."""
    etc, name, conf = sys.argv[1:4]
    from swift.common import constraints, storage_policy, utils

    utils.set_swift_dir(etc)
    storage_policy.reload_storage_policies()
    constraints.reload_constraints()
    if name == "rings":
        rings(etc, int(conf))
        return
    from swift.common.wsgi import run_wsgi

    more = {}
    if name == "object-server":
        from swift.obj.server import global_conf_callback

        more["global_conf_callback"] = global_conf_callback
    sys.exit(run_wsgi(conf, name, **more))


if __name__ == "__main__":
    main()
