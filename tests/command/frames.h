/* Prints the caller's stack frame in the format of the library's reports. */
#ifndef FRAMES_H
#define FRAMES_H

#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <unistd.h>

static void print_frame(const void *address) {
    Dl_info object;
    struct link_map *map;
    char executable[4096] = "";
    if (dladdr1(address, &object, (void **)&map, RTLD_DL_LINKMAP) == 0) return;
    if (readlink("/proc/self/exe", executable, sizeof executable - 1) < 0) return;
    const char *name = *map->l_name != '\0' ? map->l_name : executable;
    printf("    #0 %p in %s+0x%zx\n", (void *)(size_t)address, name,
           (size_t)address - (size_t)map->l_addr);
}

#define PRINT_FRAME() print_frame(__builtin_return_address(0))

#endif
