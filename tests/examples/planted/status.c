/* A planted fault: the program fails.
 *
 *     $ echo one; exit 3
 *     one
 */
