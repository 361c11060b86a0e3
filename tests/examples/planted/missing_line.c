/* A planted fault: the program prints a line less.
 *
 *     $ echo one
 *     one
 *     two
 */
