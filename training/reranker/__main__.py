"""One command: first lists, features, fit, choice on validation, cut points of the words for scores, measurement, report."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from models.devices import Device, usable_cores
from training.reranker.run import Run


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.reranker", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds eval/, train/ and train_text/")
    parser.add_argument("--out", type=Path, default=Path("rerank/data"), help="where the model goes (%(default)s)")
    parser.add_argument("--cuts", type=Path, default=Path("encoders/starter/data/bands.json"), help="where cut points go (%(default)s)")
    parser.add_argument("--reports", type=Path, default=Path("docs/results"), help="where rerank.json and rerank.md go (%(default)s)")
    parser.add_argument("--cache", type=Path, default=Path(".cache"), help="features, readings, unpacked pictures (%(default)s)")
    parser.add_argument("--threads", type=int, default=usable_cores(), help="fewer where others need the cores (%(default)s)")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    Run(arguments.data, arguments.cache, Device(threads=arguments.threads)).all(arguments.out, arguments.reports, arguments.cuts)


if __name__ == "__main__":
    main()
