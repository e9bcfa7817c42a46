"""The benchmarks behind the figures that the project claims; run ``python -m benchmarks``."""
