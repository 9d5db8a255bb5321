/* SPDX-License-Identifier: MIT */
/* Executes one instruction beyond the given level: SIGILL on a processor that ends there. */
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "scalar") == 0)
        __asm__ volatile("vpxor %%ymm0, %%ymm0, %%ymm0" ::: "xmm0");
    else if (argc == 2 && strcmp(argv[1], "avx2") == 0)
        __asm__ volatile("vpxord %%zmm0, %%zmm0, %%zmm0" ::: "xmm0");
    else
        return 2;
    puts("survived");
    return 0;
}
