"""Neural networks as such: where they compute, in which batches, how multimodal language models are loaded, told and shown."""
