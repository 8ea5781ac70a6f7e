"""One command: features, training, choice on validation, heads file, measurement, report."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import torch

from models.devices import Device, usable_cores
from training.starter.run import Run

_PACKAGE_DATA = Path("encoders/starter/data")
_REPORTS = Path("docs/results")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.starter", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds eval/, train/ and train_text/")
    parser.add_argument("--out", type=Path, default=_PACKAGE_DATA, help="where the heads go (%(default)s)")
    parser.add_argument("--reports", type=Path, default=_REPORTS, help="where starter.json and starter.md go (%(default)s)")
    parser.add_argument("--cache", type=Path, default=Path(".cache/starter"), help="features and unpacked pictures (%(default)s)")
    parser.add_argument("--seeds", type=int, default=2, help="runs without and again with the held-out items (%(default)s)")
    parser.add_argument("--threads", type=int, default=usable_cores(), help="fewer where others need the cores (%(default)s)")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    device = Device(threads=arguments.threads)
    torch.set_num_threads(device.threads)
    Run(arguments.data, arguments.cache, device, arguments.seeds).all(arguments.out, arguments.reports)


if __name__ == "__main__":
    main()
