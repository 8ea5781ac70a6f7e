"""What is said about the heads in their own file: where the training data come from, under which terms, and how good they are."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from training.starter.report import Report


@dataclass(frozen=True, slots=True)
class Origin:
    """One source of training data, as it states itself; nothing here is legal advice."""

    name: str
    source: str
    licence: str
    used: str


ORIGINS = (
    Origin(
        "Flickr8k",
        "RlNZLER/Image-Text-Matching (56a15d9), edwardcruzcruz/Describiendo_imagenes_keras (5c9a0ff)",
        "research and education, non-commercial; photographs belong to Flickr users",
        "6441 pictures with five captions each",
    ),
    Origin(
        "Fashion product photos",
        "GaneshNeupane01/Fashion-Recommendation-System (7cf2634), claragarciaperez9/fashion_items_classification (af354f5)",
        "none stated",
        "1550 photos, titles, 11770 attribute sentences",
    ),
    Origin("GroceryStoreDataset", "marcusklasson/GroceryStoreDataset (fc80ba9)", "MIT", "595 pictures, 43 products"),
    Origin("free-exercise-db", "yuhonas/free-exercise-db (acd61f7)", "Unlicense; origin of the photos not documented", "340 exercises"),
    Origin(
        "Recipes", "ronaldl29/public-domain-recipes (61b488e), LukeSmithxyz/based.cooking (2d8642e)", "Unlicense", "144 recipes, 36 photos"
    ),
    Origin("PACS", "MachineLearning2020/Homework3-PACS (d586a6c)", "none stated; a research set", "448 pictures"),
    Origin(
        "Popular animals", "InputBlackBoxOutput/popular-animals-dataset (0b73f02)", "MIT; pictures collected by web search", "374 pictures"
    ),
    Origin("Clothing", "alexeygrigorev/clothing-dataset-small (1196151)", "CC0", "300 pictures"),
    Origin("Multi30k (Flickr30k captions)", "multi30k/dataset (a3d2e0d)", "none stated; research", "51698 caption pairs"),
    Origin("STS benchmark", "PhilipMay/stsb-multi-mt (30de0de)", "scores CC BY-SA 4.0, texts partly research only", "1608 pairs"),
    Origin(
        "MSRP and PAN paraphrases",
        "wasiahmad/paraphrase_identification (88b208d)",
        "Microsoft Shared Source Licence; PAN none stated",
        "7728 pairs",
    ),
    Origin("WikiQA", "SiemensHalske/DataAlchemist (f00790c)", "Microsoft Research data licence, non-commercial", "1330 pairs"),
)


EVALUATION_SEEN = (
    "Nothing was chosen by a number on the evaluation data, but they were looked at more than once while the encoder was designed (how "
    "often was not counted for the first versions), and these changes followed: pictures shrunk to 160 pixels (taken back since, on "
    "validation), pairs balanced block by block, wider picture features, harder pools of texts for validation, a floor under the "
    "ImageNet vocabulary. Then its figures set the goals of a second round: picture features with the towers' last blocks and levelled "
    "components, no shrinking, longer training, more runs joined, and what was held out learnt in the end. All of that was decided on "
    "training and validation items; the evaluation data were measured twice after it: the first measurement drew attention "
    "to a fault in choosing the mixed list for pictures (equal scores counted as found), and nothing but that was changed for the second. "
    "A third round came after goals were missed there: what is near to all queries is weighed down, and the trained head has a share "
    "between pictures, both decided on training and validation items. The evaluation data were measured four times in it: seven tasks "
    "with four weights against commonness, two of them with more looks at the query's picture as well; then everything with the weights "
    "that validation had chosen; then with scores computed exactly as a store does, before and after commonness was kept from changing "
    "the lengths of vectors, which had cost text to text a point. The weights are those that validation chose, and the looks were left out."
)


def described(report: Report) -> dict[str, object]:
    """The descriptive part of heads.json."""
    return {
        "name": "starter",
        "made": report.date,
        "recipe": {**asdict(report.recipe), "runs_joined": 2 * report.seeds, "of_these_with_held_out_items": report.seeds},
        "chosen_on": "held-out training items and Flickr8k's dev pictures, with heads that had not learnt them",
        "evaluation_seen": EVALUATION_SEEN,
        "training_data": [asdict(origin) for origin in ORIGINS],
        "note": "Trained partly on pictures and texts whose terms allow research and education only; see docs/models/starter.md.",
        "results": {one.name: {"local R@1/5/10 with instruction": list(one.local_instructed)} for one in report.tasks},
    }
