/* A planted fault: the program prints another text.
 *
 *     $ echo one
 *     two
 *
 * or
 *
 *     $ echo one
 *     o.e
 */
