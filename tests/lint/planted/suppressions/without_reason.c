int without_reason(int x) { return x / 0; } /* NOLINT(clang-analyzer-core.DivideZero) */
