int silent(int x) { return x / 0; } /* NOLINT */
