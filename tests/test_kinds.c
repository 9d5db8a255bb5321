/* SPDX-License-Identifier: MIT */
#include "tuner/machine.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KIB INT64_C(1024)
#define MIB (1024 * KIB)

Test(kinds, one_is_a_machine_of_its_own)
{
    struct dt_machine m, part;
    struct dt_error error = {0};
    int32_t kind = -1;
    cr_assert_eq(dt_machine_load(TESTS_DIR "/topologies/raptorlake-i7-1370p.xml", &m, &error),
                 DT_OK, "%s", error.text);
    cr_assert_eq(dt_machine_find_kind(&m, "IntelAtom", &kind, &error), DT_OK);
    cr_assert_eq(dt_machine_of_kind(&m, kind, &part, &error), DT_OK);
    cr_expect(part.kind_count == 1 && part.worker_count == 8 && part.kinds[0].workers == 8);
    cr_expect_str_eq(part.kinds[0].key[3], m.kinds[kind].key[3]);
    cr_expect_eq(dt_machine_share(&part, DT_L2, 8), 2 * MIB / 4, "a cluster of four shares");
    cr_expect_eq(dt_machine_share(&m, DT_L2, 1), 1280 * KIB, "of the others, with one each");
    for (int32_t w = 0; w < part.worker_count; w++)
        cr_expect(part.workers[w].kind == 0 &&
                  part.workers[w].processor == m.workers[6 + w].processor);
    dt_machine_clear(&part);

    cr_expect_eq(dt_machine_find_kind(&m, "little", &kind, &error), DT_INVALID);
    cr_expect_not_null(strstr(error.text, "IntelCore, IntelAtom"), "%s", error.text);
    dt_machine_clear(&m);
    cr_assert_eq(dt_machine_synthetic("core:2 pu:1", &m, &error), DT_OK, "%s", error.text);
    cr_expect_eq(dt_machine_find_kind(&m, "big", &kind, &error), DT_INVALID);
    cr_expect_not_null(strstr(error.text, "leave out --kind"), "%s", error.text);
    dt_machine_clear(&m);
}

/* This machine as hwloc might see it if its first two processors were of two kinds. */
static void write_hybrid(char *path, const int processors[2])
{
    static const char *const types[] = {"IntelCore", "IntelAtom"};
    const unsigned long long bits[] = {1ull << processors[0], 1ull << processors[1]};
    char text[4096];
    size_t length = (size_t)snprintf(
        text, sizeof text,
        "<?xml version=\"1.0\"?>\n<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n"
        "<topology version=\"2.0\">\n<object type=\"Machine\" os_index=\"0\" cpuset=\"0x%llx\" "
        "complete_cpuset=\"0x%llx\" allowed_cpuset=\"0x%llx\" nodeset=\"0x1\" "
        "complete_nodeset=\"0x1\" allowed_nodeset=\"0x1\" gp_index=\"1\">\n"
        "<object type=\"NUMANode\" os_index=\"0\" cpuset=\"0x%llx\" complete_cpuset=\"0x%llx\" "
        "nodeset=\"0x1\" complete_nodeset=\"0x1\" gp_index=\"2\" local_memory=\"1000000\"/>\n",
        bits[0] | bits[1], bits[0] | bits[1], bits[0] | bits[1], bits[0] | bits[1],
        bits[0] | bits[1]);
    for (int n = 0; n < 2; n++)
        length += (size_t)snprintf(
            text + length, sizeof text - length,
            "<object type=\"Core\" os_index=\"%d\" cpuset=\"0x%llx\" complete_cpuset=\"0x%llx\" "
            "nodeset=\"0x1\" complete_nodeset=\"0x1\" gp_index=\"%d\">\n"
            "<object type=\"PU\" os_index=\"%d\" cpuset=\"0x%llx\" complete_cpuset=\"0x%llx\" "
            "nodeset=\"0x1\" complete_nodeset=\"0x1\" gp_index=\"%d\"/>\n</object>\n",
            n, bits[n], bits[n], 3 + 2 * n, processors[n], bits[n], bits[n], 4 + 2 * n);
    length += (size_t)snprintf(text + length, sizeof text - length, "</object>\n");
    for (int n = 0; n < 2; n++)
        length += (size_t)snprintf(text + length, sizeof text - length,
                                   "<cpukind cpuset=\"0x%llx\" forced_efficiency=\"%d\">\n"
                                   "<info name=\"CoreType\" value=\"%s\"/>\n</cpukind>\n",
                                   bits[n], 1 - n, types[n]);
    snprintf(text + length, sizeof text - length, "</topology>\n");
    const int file = mkstemp(path);
    cr_assert(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text));
    close(file);
}

static bool bound_to(int processor)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) == 1 &&
           CPU_ISSET(processor, &set);
}

Test(kinds, workers_are_bound_to_its_processors)
{
    char path[] = "/tmp/disentune-test-XXXXXX";
    int processors[2] = {-1, -1}, count = 0;
    cpu_set_t set;
    cr_assert_eq(sched_getaffinity(0, sizeof set, &set), 0);
    for (int n = 0; n < 64 && count < 2; n++)
        if (CPU_ISSET(n, &set))
            processors[count++] = n;
    if (count < 2)
        cr_skip_test("one processor is allowed, two are needed");
    write_hybrid(path, processors);
    setenv("HWLOC_XMLFILE", path, 1);
    setenv("HWLOC_THISSYSTEM", "1", 1);
    struct dt_machine m, part;
    cr_assert_eq(dt_machine_host(&m, NULL), DT_OK);
    unlink(path);
    cr_assert(m.here && m.kind_count == 2 && m.worker_count == 2);
    for (int32_t k = 0; k < 2; k++) {
        cr_assert_eq(dt_machine_of_kind(&m, k, &part, NULL), DT_OK);
        cr_expect_str_eq(part.kinds[0].name, k ? "IntelAtom" : "IntelCore");
        cr_expect_not_null(strstr(part.kinds[0].key[1], part.kinds[0].name));
        cr_expect_eq(dt_machine_pin(&part, 0, NULL), DT_OK);
        cr_expect(bound_to(processors[k]), "worker of kind %d", k);
        cr_expect_eq(dt_machine_pin(&part, 1, NULL), DT_INVALID);
        dt_machine_clear(&part);
    }
    dt_machine_clear(&m);
}
