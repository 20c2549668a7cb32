"""An object store and a name service as Amazon's: a moto server. `python -m fakes.workstation.cloud FD SEEDS BUCKETS ZONES`.

FD is a socket that already listens: whoever connected before this was up is answered then. SEEDS is a folder: each folder in
it is a bucket, each file below that an object. BUCKETS are further names, with commas; ZONES are `ID=DOMAIN`, with commas.
"""

from __future__ import annotations

import logging
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.route53.models import HostedZoneIdentifier, route53_backends
from moto.s3.models import s3_backends
from moto.utilities.id_generator import moto_id_manager
from werkzeug.serving import make_server

ACCOUNT, PARTITION, REGION = "123456789012", "aws", "eu-central-1"
_log = logging.getLogger("cloud")


def seed_objects(seeds: Path, buckets: Sequence[str]) -> None:
    """Make the buckets, and those of `seeds` with their objects."""
    backend = s3_backends[ACCOUNT][PARTITION]
    found = [path.name for path in sorted(seeds.iterdir()) if path.is_dir()] if seeds.is_dir() else []
    for bucket in dict.fromkeys([*buckets, *found]):
        backend.create_bucket(bucket, REGION)
        for path in sorted((seeds / bucket).rglob("*")):
            if path.is_file():
                backend.put_object(bucket, path.relative_to(seeds / bucket).as_posix(), path.read_bytes())
                _log.info("s3://%s/%s", bucket, path.relative_to(seeds / bucket).as_posix())


def seed_zones(zones: Mapping[str, str]) -> None:
    """Make hosted zones with these ids. A real one's id is Amazon's choice; the documents name theirs."""
    backend = route53_backends[ACCOUNT][PARTITION]
    for zone, domain in zones.items():
        name = f"{domain}."
        moto_id_manager.set_custom_id(HostedZoneIdentifier(ACCOUNT, name, None), zone)
        backend.create_hosted_zone(name, private_zone=False)
        _log.info("hosted zone %s: %s", zone, name)


def main(argv: Sequence[str]) -> None:
    descriptor, seeds = int(argv[0]), Path(argv[1])
    buckets = [name for name in argv[2].split(",") if name]
    zones = dict(pair.split("=", 1) for pair in argv[3].split(",") if pair)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    seed_objects(seeds, buckets)
    seed_zones(zones)
    with socket.socket(fileno=descriptor) as listening:
        port = listening.getsockname()[1]
        app = DomainDispatcherApplication(create_backend_app)
        make_server("127.0.0.1", port, app, threaded=True, request_handler=MotoRequestHandler, fd=descriptor).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
