/* A planted fault: the program prints a line more.
 *
 *     $ echo one; echo two
 *     one
 */
