"""What the instruction picker says."""

from __future__ import annotations

from uniir.documents import Modality

ANY_INSTRUCTION = "Find anything that matches"
ANY_LIKE = "Find anything like this result"
SHOW_FITTING = "Show what fits"
NO_INSTRUCTION = "No instruction has these words. Clear the search to see all {count}."
YOU_GIVE = "You give"
YOU_GET = "You get"
MODEL_READS = "What the model reads"
MADE_FOR = "Written for"
RERANK_HELPS = "Reranking helps here, so it is on."
RERANK_DOES_NOT = "Reranking does not help here, so it is off."
FITTING: dict[Modality, str] = {
    Modality.TEXT: "Fits a text",
    Modality.IMAGE: "Fits a picture",
    Modality.IMAGE_TEXT: "Fits a picture and a text",
}
EXPLAINED_GIVEN: dict[Modality, str] = {
    Modality.TEXT: "A few words or a sentence.",
    Modality.IMAGE: "A picture, no words.",
    Modality.IMAGE_TEXT: "A picture and a few words about what matters.",
}
EXPLAINED_ANY = "Words, a picture, or both."
EXPLAINED_GETTING: dict[Modality | None, str] = {
    None: "Pictures, texts and pairs in one list, best first.",
    Modality.IMAGE: "Pictures first.",
    Modality.TEXT: "Texts first.",
    Modality.IMAGE_TEXT: "Pictures with a text first.",
}


def search_instructions(count: int) -> str:
    return f"Search {count} instructions"


def show_all(count: int) -> str:
    return f"Show all {count}"
