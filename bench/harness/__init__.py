"""Runs workloads on several allocators and compares what they cost."""
