"""What the kinds of documents are called, and how well one fits."""

from __future__ import annotations

from uniir.documents import Modality
from uniir.hits import Band

NEAREST = {Modality.IMAGE: "Nearest picture", Modality.TEXT: "Nearest text"}
KINDS: dict[Modality | None, str] = {
    None: "Anything",
    Modality.IMAGE: "Pictures",
    Modality.TEXT: "Texts",
    Modality.IMAGE_TEXT: "Pairs",
}
ONE: dict[Modality, str] = {Modality.IMAGE: "Picture", Modality.TEXT: "Text", Modality.IMAGE_TEXT: "Pair"}
ICONS: dict[Modality | None, str] = {
    None: "apps",
    Modality.IMAGE: "image",
    Modality.TEXT: "notes",
    Modality.IMAGE_TEXT: "newsmode",
}
GIVEN: dict[Modality | None, str] = {
    None: "Text or picture",
    Modality.TEXT: "Text",
    Modality.IMAGE: "Picture",
    Modality.IMAGE_TEXT: "Picture + text",
}
GETTING: dict[Modality | None, str] = {
    None: "anything",
    Modality.IMAGE: "pictures",
    Modality.TEXT: "texts",
    Modality.IMAGE_TEXT: "pairs",
}
BANDS: dict[Band, str] = {Band.STRONG: "Strong", Band.GOOD: "Good", Band.WEAK: "Weak"}
