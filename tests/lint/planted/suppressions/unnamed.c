int unnamed(int x) { return x / 0; } /* NOLINT: the check has no name */
