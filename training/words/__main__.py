"""One command: what words beside meaning are worth on the evaluation data, with the starter encoder, and how the databases rank them."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from models.devices import Device, usable_cores
from training.words.run import run


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.words", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds eval/")
    parser.add_argument("--reports", type=Path, default=Path("docs/results"), help="where words.json and words.md go (%(default)s)")
    parser.add_argument("--cache", type=Path, default=Path(".cache"), help="features, unpacked pictures (%(default)s)")
    parser.add_argument("--postgres", help="an empty database, to compare its own ranking on the same data")
    parser.add_argument("--threads", type=int, default=usable_cores(), help="fewer where others need the cores (%(default)s)")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("alembic").setLevel(logging.WARNING)  # one catalog for each pool
    run(arguments.data, arguments.cache, arguments.reports, arguments.postgres, Device(threads=arguments.threads))


if __name__ == "__main__":
    main()
