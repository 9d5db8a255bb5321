/* SPDX-License-Identifier: MIT */
/* A build in which every gather-and-add computes its last score a little wrong. */
#include "kernels/variant.h"
#include "tuner/serve.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Of the scalar loop, for its result is right whatever the tile. */
static dt_bias_fn *right;

static void wrong(const struct dt_bias_block *b, const struct dt_bias *io)
{
    right(b, io);
    io->scores[(b->nq - 1) * io->scores_row + b->nk - 1] += 0x1p-10f;
}

/* A row lies in memory that became read-only when the program was loaded. */
static int replace(const struct dt_variant *variant)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *first = (char *)((uintptr_t)&variant->run & ~(page - 1));
    if (mprotect(first, 2 * page, PROT_READ | PROT_WRITE) != 0)
        return 1;
    memcpy((void *)(uintptr_t)&variant->run, &(dt_bias_fn *){wrong}, sizeof(dt_bias_fn *));
    return 0;
}

int main(void)
{
    const struct dt_variant *variant;
    right = dt_variant_find("bias.scalar.plain")->run.bias;
    for (size_t n = 0; (variant = dt_variant_at(n)); n++)
        if (variant->op == DT_OP_BIAS && replace(variant))
            return 1;
    return dt_serve(stdin, stdout, NULL) ? 1 : 0;
}
