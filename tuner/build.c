/* SPDX-License-Identifier: MIT */
#include "tuner/build.h"

#include "kernels/variant.h"

#include <inttypes.h>
#include <link.h>
#include <string.h>

/* "0123abcd..." or "0123abcd...-dirty"; made anew when the commit changes. */
static const char commit[] =
#include "commit.inc"
    ;

/* The first object is the program itself; position-independent code has no relocations. */
static int add_code(struct dl_phdr_info *object, size_t size, void *context)
{
    uint64_t *digest = context;
    (void)size;
    for (int n = 0; n < object->dlpi_phnum; n++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[n];
        if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X))
            continue;
        const unsigned char *code =
            (const unsigned char *)(uintptr_t)(object->dlpi_addr + segment->p_vaddr);
        for (size_t byte = 0; byte < segment->p_memsz; byte++)
            *digest = (*digest ^ code[byte]) * 0x100000001b3u;
    }
    return 1;
}

uint64_t dt_build_digest(void)
{
    const uint64_t basis = 0xcbf29ce484222325u;
    uint64_t digest = basis;
    dl_iterate_phdr(add_code, &digest);
    return digest == basis ? 0 : digest;
}

void dt_build_here(struct dt_build *build)
{
    const uint64_t digest = dt_build_digest();
    const char *dirty = strchr(commit, '-');
    *build = (struct dt_build){.dirty = dirty != NULL};
    snprintf(build->version, sizeof build->version, "%s", dt_version());
    snprintf(build->commit, sizeof build->commit, "%.*s",
             (int)(dirty ? dirty - commit : (ptrdiff_t)strlen(commit)), commit);
    snprintf(build->compiler, sizeof build->compiler, "%s", DT_BUILD_COMPILER);
    snprintf(build->flags, sizeof build->flags, "%s", DT_BUILD_FLAGS);
    snprintf(build->libraries, sizeof build->libraries, "%s", DT_BUILD_LIBRARIES);
    snprintf(build->signature, sizeof build->signature, "%016" PRIx64, dt_variant_signature());
    if (digest)
        snprintf(build->digest, sizeof build->digest, "%016" PRIx64, digest);
}
