"""What performance is claimed, measured beside its peer in one run: ``python -m benchmarks [name] [--quick]``."""
