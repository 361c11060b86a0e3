"""Runs workloads on several allocators and compares their costs."""
