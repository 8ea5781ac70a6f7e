"""The demo corpus: photographs that come with scikit-image and scikit-learn, our captions for them, and our notes."""

from __future__ import annotations

import csv
import importlib.util
import shutil
from pathlib import Path

HERE = Path(__file__).parent
QUESTION_PICTURES = ("motorcycle_right.png",)  # asked with, and therefore not in the corpus


class DemoError(Exception):
    """Why the demo can't go on, and the way out."""


def build(corpus: Path, questions: Path) -> int:
    """Makes the corpus and the pictures to ask with; returns how many documents it should give. What is there already stays untouched.

    Every photograph stands alone in `photos/`, and once more with a caption beside it in `captioned/`; notes are in `notes/`.
    """
    folders = _photograph_folders()
    with (HERE / "captions.tsv").open(encoding="utf-8", newline="") as file:
        captions = {row["file"]: row["caption"] for row in csv.DictReader(file, delimiter="\t")}
    notes = [note for note in sorted((HERE / "notes").iterdir()) if note.suffix in {".md", ".txt"}]
    for name, caption in captions.items():
        photograph = _photograph(name, folders)
        _copy(photograph, corpus / "photos" / name)
        _copy(photograph, corpus / "captioned" / name)
        _write(caption + "\n", (corpus / "captioned" / name).with_suffix(".txt"))
    for note in notes:
        _copy(note, corpus / "notes" / note.name)
    for name in QUESTION_PICTURES:
        _copy(_photograph(name, folders), questions / name)
    return 2 * len(captions) + len(notes)


def _photograph_folders() -> list[Path]:
    """Where the packages keep their pictures; the packages themselves are not loaded."""
    folders = []
    for package, below in (("skimage", "data"), ("sklearn", "datasets/images")):
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise DemoError(
                "The photographs come with scikit-image and scikit-learn, and one of them is not installed. Run `make install`."
            )
        folders.append(Path(spec.origin).parent / below)
    return folders


def _photograph(name: str, folders: list[Path]) -> Path:
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise DemoError(f"The photograph {name} is in neither package. `make install` installs the releases that have it.")


def _copy(source: Path, target: Path) -> None:
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def _write(text: str, target: Path) -> None:
    if not target.exists() or target.read_text("utf-8") != text:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
