"""The starter encoder: weights from pinned pip packages, no model hub, no torch."""
