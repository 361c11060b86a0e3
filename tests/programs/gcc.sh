#!/bin/sh
# A workload for gcc: compiles a large generated file. The object file must be the same.
awk 'BEGIN {
    print "#include <stdio.h>\n#include <string.h>"
    for (i = 0; i < 250; i++) {
        printf "struct s%d { int a[%d]; const char *name; struct s%d *next; };\n", i, i % 9 + 1, i
        printf "int f%d(struct s%d *s, int n)\n{\n    int sum = %d;\n", i, i, i
        print "    for (; s; s = s->next) {"
        print "        for (int i = 0; i < n; i++)"
        print "            sum = sum * 31 + s->a[i % (int)(sizeof s->a / sizeof s->a[0])];"
        printf "        switch (sum & 7) {\n"
        for (c = 0; c < 8; c++)
            printf "        case %d: sum ^= (int)strlen(s->name) + %d; break;\n", c, c * i
        print "        }\n    }"
        if (i > 0)
            printf "    if (n > %d) return f%d(NULL, n - 1) + sum;\n", i, i - 1
        print "    return sum;\n}"
    }
}' >large.c
gcc -O2 -c large.c -o large.o && sha256sum large.c large.o
