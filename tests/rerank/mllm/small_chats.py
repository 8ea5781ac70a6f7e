"""Small random models with a processor and a chat template."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, processors
from transformers import AutoTokenizer, LlavaConfig, LlavaForConditionalGeneration, LlavaNextProcessor, LlavaProcessor
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil

from tests.encoders.mllm.small_llava import ORDINARY, write_llava

TEMPLATE = (
    "{% for message in messages %}[INST] {% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>\n{% else %}{{ part['text'] }}{% endif %}{% endfor %} [/INST]{% endfor %}"
)
_SQUARE = {"height": 28, "width": 28}
_SEEN = {"patch_size": 7, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1}


def write_llava_next_chat(directory: Path) -> Path:
    """Of a family that is known here."""
    write_llava(directory)
    pictures = LlavaNextImageProcessorPil(
        size={"shortest_edge": 28}, crop_size=_SQUARE, image_grid_pinpoints=[[28, 56], [56, 28], [56, 56]]
    )
    LlavaNextProcessor(pictures, _tokenizer(directory), chat_template=TEMPLATE, **_SEEN).save_pretrained(directory)
    return directory


def write_llava_chat(directory: Path) -> Path:
    """Of another one, LLaVA 1.5."""
    write_llava(directory)  # its tokenizer
    torch.manual_seed(1)
    vision = {"model_type": "clip_vision_model", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3}
    text = {"model_type": "llama", "hidden_size": 48, "intermediate_size": 64, "num_hidden_layers": 2, "vocab_size": ORDINARY + 8}
    config = LlavaConfig(
        vision_config=vision | {"num_attention_heads": 2, "image_size": 28, "patch_size": 7},
        text_config=text | {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 12},
        image_token_index=ORDINARY,
    )
    model = LlavaForConditionalGeneration(config)
    for parameter in model.parameters():
        parameter.data += torch.randn_like(parameter) * 0.1
    model.save_pretrained(directory)
    pictures = CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size=_SQUARE)
    LlavaProcessor(pictures, _tokenizer(directory), chat_template=TEMPLATE, **_SEEN).save_pretrained(directory)
    return directory


def _tokenizer(directory: Path) -> AutoTokenizer:
    """With a start and no end, as those of chats."""
    file = str(directory / "tokenizer.json")
    tokenizer = Tokenizer.from_file(file)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", 1)])
    tokenizer.save(file)
    made = AutoTokenizer.from_pretrained(directory)
    made.add_special_tokens({"bos_token": "<s>", "eos_token": "</s>"})
    return made
