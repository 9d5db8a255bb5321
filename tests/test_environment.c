/* SPDX-License-Identifier: MIT */
#include "tuner/build.h"
#include "tuner/environment.h"
#include "tuner/session.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A file with that text below `root`, and the folders that it needs. */
static void put(const char *root, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *c = path + strlen(root) + 1; (c = strchr(c, '/')); c++) {
        *c = '\0';
        mkdir(path, 0755);
        *c = '/';
    }
    FILE *file = fopen(path, "w");
    cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0, "%s", path);
}

static int remove_one(const char *path, const struct stat *is, int type, struct FTW *walk)
{
    (void)is, (void)type, (void)walk;
    return remove(path);
}

/* What is found in these files; `names` ends with NULL. */
static void expect(const char *const (*files)[2], const struct dt_machine *machine,
                   const char *wanted)
{
    char root[] = "/tmp/disentune-environment-XXXXXX", text[DT_ENVIRONMENT_MAX];
    cr_assert_not_null(mkdtemp(root));
    for (; (*files)[0]; files++)
        put(root, (*files)[0], (*files)[1]);
    dt_environment_read(root, machine, text);
    cr_expect_str_eq(text, wanted);
    nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#define CPUS "sys/devices/system/cpu/"

Test(environment, is_read_from_the_system)
{
    static const char *const intel[][2] = {
        {CPUS "cpu0/cpufreq/scaling_governor", "performance\n"},
        {CPUS "intel_pstate/no_turbo", "1\n"},
        {CPUS "cpufreq/boost", "1\n"},
        {"sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"},
        {"proc/self/cgroup", "0::/user/job\n"},
        {"sys/fs/cgroup/cpu.max", "max 100000\n"},
        {"sys/fs/cgroup/user/cpu.max", "150000 100000\n"},
        {"sys/fs/cgroup/user/job/cpu.max", "400000 100000\n"},
        {"proc/sys/kernel/osrelease", "6.1.0\x1b\n"},
        {NULL, NULL},
    };
    static const char *const amd[][2] = {
        {CPUS "cpufreq/boost", "1\n"},
        {"proc/self/cgroup", "3:cpu,cpuacct:/job\n"},
        {"sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "50000\n"},
        {"sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n"},
        {"sys/kernel/mm/transparent_hugepage/enabled", "always madvise never\n"},
        {NULL, NULL},
    };
    const struct dt_machine vm = {
        .processors = 2, .processors_present = 8, .virtual = DT_VIRTUAL_MACHINE};
    expect(intel, &vm,
           "governor:performance turbo:off thp:madvise processors:2/8 quota:1.5 hypervisor:vm "
           "kernel:6.1.0?");
    expect(amd, &vm, "turbo:on processors:2/8 quota:0.5 hypervisor:vm");
    expect(&amd[5], &vm, "processors:2/8 quota:none hypervisor:vm");
}

Test(environment, a_session_knows_its_build)
{
    struct dt_machine machine;
    struct dt_session a, b;
    char *arguments[] = {"bench", NULL};
    cr_assert_eq(dt_machine_host(&machine, NULL), DT_OK);
    dt_session_init(&a, &machine, arguments, 1);
    dt_session_init(&b, &machine, arguments, 1);
    cr_expect_str_eq(a.build.version, dt_version());
    cr_expect_eq(strlen(a.build.signature), 16);
    cr_expect_eq(strlen(a.build.digest), 16);
    cr_expect_str_eq(a.build.digest, b.build.digest);
    cr_expect(*a.build.commit == '\0' || strlen(a.build.commit) >= 40, "%s", a.build.commit);
    cr_expect(strspn(a.build.commit, "0123456789abcdef") == strlen(a.build.commit));
    cr_expect_str_neq(a.run, b.run);
    cr_expect_not_null(strstr(a.environment, "processors:"), "%s", a.environment);
    dt_machine_clear(&machine);
}
