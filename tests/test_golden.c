/* SPDX-License-Identifier: MIT */
#include "tests/emulated.h"
#include "tuner/golden.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reference and all variants on every case of a folder; what went wrong, one line each. */
static size_t check_folder(const char *folder, char *wrong, size_t size)
{
    char **folders;
    size_t count, judged = 0;
    struct dt_error error;
    if (dt_golden_list(folder, &folders, &count, &error)) {
        snprintf(wrong, size, "%s", error.text);
        return 0;
    }
    for (size_t n = 0; n < count; n++) {
        struct dt_golden golden;
        struct dt_verdict verdict;
        const struct dt_variant *variant;
        if (dt_golden_load(folders[n], &golden, &error)) {
            snprintf(wrong, size, "%s", error.text);
            continue;
        }
        if (dt_golden_check_reference(&golden, &verdict, &error) || !verdict.passed)
            snprintf(wrong, size, "%s", verdict.reason);
        for (size_t v = 0; (variant = dt_variant_at(v)); v++) {
            if (dt_golden_check_variant(&golden, variant, &verdict, &error))
                continue;
            if (!verdict.passed)
                snprintf(wrong, size, "%s", verdict.reason);
            judged += verdict.compared > 0;
        }
        dt_golden_clear(&golden);
    }
    dt_golden_list_free(folders, count);
    return judged;
}

Test(golden, cases_of_the_repository)
{
    char wrong[700] = "";
    const size_t judged = check_folder(TESTS_DIR "/golden", wrong, sizeof wrong);
    cr_assert_str_empty(wrong, "%s", wrong);
    cr_assert_geq(judged, 8);
}

Test(golden, all_shared_cases)
{
    if (access(SHARED_DIR "/golden", R_OK) != 0)
        cr_skip_test("no folder " SHARED_DIR "/golden");
#if defined(__SANITIZE_ADDRESS__)
    cr_skip_test("under the address sanitizer the cases of the repository are enough");
#endif
    if (is_emulated())
        cr_skip_test("in an emulator the cases of the repository are enough");
    char wrong[700] = "";
    const size_t judged = check_folder(SHARED_DIR "/golden", wrong, sizeof wrong);
    cr_assert_str_empty(wrong, "%s", wrong);
    cr_assert_geq(judged, 27);
}

Test(golden, a_changed_result_is_noticed)
{
    struct dt_golden golden;
    struct dt_verdict verdict;
    cr_assert_eq(dt_golden_load(TESTS_DIR "/golden/v1_tiny", &golden, NULL), DT_OK);
    double *bias = golden.array[DT_GOLDEN_BIAS].data, *out = golden.array[DT_GOLDEN_OUT].data;
    bias[37] += 1e-10;
    cr_assert_eq(dt_golden_check_reference(&golden, &verdict, NULL), DT_OK);
    cr_assert(!verdict.passed && strstr(verdict.reason, "v1_tiny: bias[37]"), "%s", verdict.reason);
    bias[37] += 1e-4;
    out[5] += 1e-2;
    cr_assert_eq(
        dt_golden_check_variant(&golden, dt_variant_find("bias.scalar.plain"), &verdict, NULL),
        DT_OK);
    cr_assert(!verdict.passed);
    cr_assert_eq(
        dt_golden_check_variant(&golden, dt_variant_find("attention.scalar.plain"), &verdict, NULL),
        DT_OK);
    cr_assert(!verdict.passed);
    dt_golden_clear(&golden);
}

static char folder[64];

static void make_folder(void)
{
    strcpy(folder, "/tmp/disentune-test-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(void)
{
    static const char *const names[] = {"case.json", "q.npy",    "k.npy",    "v.npy",  "kr.npy",
                                        "qr.npy",    "mask.npy", "bias.npy", "out.npy"};
    char path[128];
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[n]);
        unlink(path);
    }
    rmdir(folder);
}

static void write_file(const char *name, const void *data, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    cr_assert(file && fwrite(data, 1, size, file) == size && fclose(file) == 0);
}

/* A .npy of version `major` with this header and `bytes` bytes of elements. */
static void write_npy(const char *name, int major, const char *header, size_t bytes)
{
    unsigned char file[4096] = "\x93NUMPY";
    const size_t length = strlen(header);
    file[6] = (unsigned char)major;
    file[8] = (unsigned char)length;
    file[9] = (unsigned char)(length >> 8);
    memcpy(file + 10, header, length);
    write_file(name, file, 10 + length + bytes);
}

#define HEADER(descr, order, shape)                                                                \
    "{'descr': '" descr "', 'fortran_order': " order ", 'shape': " shape ", }\n"

Test(npy, hostile_files_are_refused_by_name, .init = make_folder, .fini = remove_folder)
{
    static const struct {
        int major;
        const char *header;
        size_t bytes;
        bool good;
    } files[] = {
        {1, HEADER("<f4", "False", "(2, 3)"), 24, true},
        {1, HEADER("<f8", "False", "(3,)"), 24, true},
        {1, HEADER("|u1", "False", "(1,1,1,24)"), 24, true},
        {1, HEADER("<f4", "False", "()"), 4, true},
        {1, "{'shape': (6,), 'fortran_order': False, 'descr': '<f4'}", 24, true},
        {1, HEADER("<f4", "False", "(2, 3)"), 23, false},
        {1, HEADER("<f4", "False", "(2, 3)"), 25, false},
        {1, HEADER("<f4", "True", "(2, 3)"), 24, false},
        {1, HEADER(">f4", "False", "(2, 3)"), 24, false},
        {1, HEADER("<i4", "False", "(2, 3)"), 24, false},
        {1, HEADER("|O", "False", "(2, 3)"), 24, false},
        {2, HEADER("<f4", "False", "(2, 3)"), 24, false},
        {1, HEADER("<f4", "False", "(-2, 3)"), 24, false},
        {1, HEADER("<f4", "False", "(0,)"), 0, false},
        {1, HEADER("<f4", "False", "(1,1,1,1,1)"), 4, false},
        {1, HEADER("<f4", "False", "(4294967296, 4294967296)"), 0, false},
        {1, HEADER("<f4", "False", "(2147483648, 2147483648, 4)"), 0, false},
        {1, HEADER("<f4", "False", "(99999999999999999999999)"), 24, false},
        {1, HEADER("<f8", "False", "(1073741824,)"), 24, false},
        {1, HEADER("<f4", "False", "(2 3)"), 24, false},
        {1, HEADER("<f4", "False", "(6"), 24, false},
        {1, HEADER("<f4", "False", "6"), 24, false},
        {1, "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (6,)}", 24, false},
        {1, "{'descr': '<f4', 'fortran_order': False}", 24, false},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (6,)} x", 24, false},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (6,), 'x': 1}", 24, false},
        {1, "", 24, false},
        {1, "{", 24, false},
    };
    char path[128], wrong[200] = "";
    snprintf(path, sizeof path, "%s/q.npy", folder);
    for (size_t n = 0; n < sizeof files / sizeof *files; n++) {
        struct dt_npy npy;
        struct dt_error error = {0};
        write_npy("q.npy", files[n].major, files[n].header, files[n].bytes);
        enum dt_status status = dt_npy_read(path, &npy, &error);
        if (files[n].good != (status == DT_OK) || (status && !strstr(error.text, path)) ||
            (status && npy.data))
            snprintf(wrong, sizeof wrong, "%d %s %zu", files[n].major, files[n].header,
                     files[n].bytes);
        free(npy.data);
    }
    cr_assert_str_empty(wrong, "%s", wrong);
}

Test(npy, every_cut_of_a_file_is_refused, .init = make_folder, .fini = remove_folder)
{
    char path[128], whole[256];
    struct dt_npy npy;
    snprintf(path, sizeof path, "%s/q.npy", folder);
    write_npy("q.npy", 1, HEADER("<f4", "False", "(2, 3)"), 24);
    FILE *file = fopen(path, "rb");
    const size_t size = fread(whole, 1, sizeof whole, file);
    fclose(file);
    size_t accepted = 0;
    for (size_t cut = 0; cut < size; cut++) {
        write_file("q.npy", whole, cut);
        accepted += dt_npy_read(path, &npy, NULL) == DT_OK;
    }
    cr_assert_eq(accepted, 0);
    write_file("q.npy", whole, size);
    cr_assert_eq(dt_npy_read(path, &npy, NULL), DT_OK);
    cr_assert(npy.count == 6 && npy.dimensions == 2 && npy.shape[0] == 2 && npy.shape[1] == 3);
    free(npy.data);
}

Test(npy, folders_and_absent_files_are_refused)
{
    struct dt_npy npy;
    struct dt_error error = {0};
    cr_assert_neq(dt_npy_read("/tmp", &npy, &error), DT_OK);
    cr_assert_eq(dt_npy_read("/tmp/disentune-no-such-file.npy", &npy, &error), DT_IO);
    cr_assert_not_null(strstr(error.text, "No such file"));
}

#define CASE(heads, delta, span, position, terms, scale, mask)                                     \
    "{\"heads\": " heads ", \"nq\": 2, \"nk\": 3, \"d\": 4, \"delta\": " delta ", \"span\": " span \
    ", \"max_position\": " position ", \"terms\": " terms ", \"scale_terms\": " scale              \
    ", \"mask\": " mask "}"

Test(golden, bad_case_files_are_refused_by_name, .init = make_folder, .fini = remove_folder)
{
    static const struct {
        const char *json, *says;
    } files[] = {
        {"", "case.json"},
        {"[]", "no count"},
        {"{", "line"},
        {"{\"heads\": 1, \"heads\": 1}", "duplicate"},
        {CASE("1.5", "\"linear\"", "4", "4", "[\"c2p\"]", "2", "null"), "\"heads\" is no count"},
        {CASE("-1", "\"linear\"", "4", "4", "[\"c2p\"]", "2", "null"), "\"heads\" is no count"},
        {CASE("99999999999", "\"linear\"", "4", "4", "[\"c2p\"]", "2", "null"), "\"heads\""},
        {CASE("0", "\"linear\"", "4", "4", "[\"c2p\"]", "2", "null"), "heads is 0"},
        {CASE("1", "\"cubic\"", "4", "4", "[\"c2p\"]", "2", "null"), "\"delta\""},
        {CASE("1", "\"log\"", "4", "2", "[\"c2p\"]", "2", "null"), "maximum position"},
        {CASE("1", "\"linear\"", "4", "4", "\"c2p\"", "2", "null"), "\"terms\""},
        {CASE("1", "\"linear\"", "4", "4", "[\"c2p\", \"c2p\"]", "2", "null"), "\"terms\""},
        {CASE("1", "\"linear\"", "4", "4", "[\"p2p\"]", "2", "null"), "\"terms\""},
        {CASE("1", "\"linear\"", "4", "4", "[\"c2p\"]", "3", "null"), "\"scale_terms\""},
        {CASE("1", "\"linear\"", "4", "4", "[\"c2p\"]", "2", "7"), "\"mask\""},
        {CASE("1", "\"linear\"", "4", "4", "[\"c2p\"]", "2", "null"), "q.npy"},
    };
    char wrong[400] = "";
    for (size_t n = 0; n < sizeof files / sizeof *files; n++) {
        struct dt_golden golden;
        struct dt_error error = {0};
        write_file("case.json", files[n].json, strlen(files[n].json));
        const bool refused = dt_golden_load(folder, &golden, &error) != DT_OK;
        if (!refused || !strstr(error.text, files[n].says) || !strstr(error.text, folder))
            snprintf(wrong, sizeof wrong, "%.150s: \"%.200s\"", files[n].json, error.text);
    }
    cr_assert_str_empty(wrong, "%s", wrong);
}

Test(golden, an_array_of_another_shape_is_refused, .init = make_folder, .fini = remove_folder)
{
    static const char json[] = CASE("1", "\"linear\"", "4", "4", "[\"c2p\"]", "2", "null");
    struct dt_golden golden;
    struct dt_error error = {0};
    write_file("case.json", json, sizeof json - 1);
    write_npy("q.npy", 1, HEADER("<f4", "False", "(1, 2, 5)"), 40);
    cr_assert_eq(dt_golden_load(folder, &golden, &error), DT_INVALID);
    cr_assert(strstr(error.text, "q.npy") && strstr(error.text, "[1][2][4] f4"), "%s", error.text);
}

Test(golden, a_folder_without_cases_is_refused, .init = make_folder, .fini = remove_folder)
{
    char **folders;
    size_t count;
    struct dt_error error = {0};
    cr_assert_eq(dt_golden_list(folder, &folders, &count, &error), DT_INVALID);
    cr_assert_not_null(strstr(error.text, folder));
    cr_assert_eq(dt_golden_list("/tmp/disentune-no-such-folder", &folders, &count, &error), DT_IO);
}

Test(golden, a_pipe_is_refused_without_waiting, .timeout = 10)
{
    char made[] = "/tmp/disentune-golden-XXXXXX", path[64];
    struct dt_golden golden;
    struct dt_npy npy;
    cr_assert(mkdtemp(made));
    snprintf(path, sizeof path, "%s/case.json", made);
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_expect_eq(dt_golden_load(made, &golden, NULL), DT_INVALID);
    cr_expect_eq(dt_npy_read(path, &npy, NULL), DT_INVALID);
    unlink(path);
    rmdir(made);
}
