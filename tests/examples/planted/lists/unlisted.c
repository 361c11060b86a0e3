/* A planted fault: the table and the tests do not list this program. */
