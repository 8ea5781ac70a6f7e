"""The one place that puts things together: from settings to encoders, stores and use cases."""
