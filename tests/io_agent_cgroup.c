/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/cgroup_io.h"

#define FILES_MAX 16
#define PATH_SIZE 128

/* A root of its own with the files that were written into it. */
struct tree {
    char root[64];
    char paths[FILES_MAX]
              [PATH_SIZE]; /* folders and files, in order of making */
    size_t len;
};

static void
put(struct tree *tree, const char *name, const char *text)
{
    char *path = tree->paths[tree->len++];
    FILE *file = NULL;

    assert_true(tree->len <= FILES_MAX);
    assert_true(strlen(tree->root) + strlen(name) + 2 < PATH_SIZE);
    strcat(strcat(strcpy(path, tree->root), "/"), name);
    if (text == NULL) {
        assert_int_equal(mkdir(path, 0755), 0);
        return;
    }
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int
make_tree(void **state)
{
    struct tree *tree = calloc(1, sizeof(*tree));

    strcpy(tree->root, "/tmp/gtcas-cgroup-XXXXXX");
    *state = tree;
    return mkdtemp(tree->root) == NULL || chmod(tree->root, 0755) != 0 ? -1 : 0;
}

static int
drop_tree(void **state)
{
    struct tree *tree = *state;

    while (tree->len > 0) {
        remove(tree->paths[--tree->len]);
    }
    rmdir(tree->root);
    free(tree);
    return 0;
}

static void
put_v2(struct tree *tree)
{
    put(tree, "app", NULL);
    put(tree, "app/cpu.stat",
        "usage_usec 7000\nnr_periods 5\nnr_throttled 2\nthrottled_usec 9\n");
    put(tree, "app/memory.current", "5000\n");
    put(tree, "app/memory.stat",
        "inactive_file 100\nactive_file 200\nslab_reclaimable 50\n");
}

static void
a_v2_container_is_read(void **state)
{
    struct tree *tree = *state;
    struct cgroup_sample sample;
    struct gt_err err;

    put_v2(tree);
    put(tree, "app/cpu.pressure",
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=77\n");
    put(tree, "app/memory.events", "oom_kill 3\n");

    assert_int_equal(cgroup_io_read(tree->root, "app", &sample, &err),
                     CGROUP_OK);

    assert_int_equal(sample.usage_us, 7000);
    assert_int_equal(sample.throttled_periods, 2);
    assert_int_equal(sample.pressure_us, 77);
    assert_int_equal(sample.oom_kills, 3);
    assert_int_equal(cgroup_floor_bytes(&sample), 4650);
}

static void
files_that_may_be_absent_are(void **state)
{
    struct tree *tree = *state;
    struct cgroup_sample sample;
    struct gt_err err;

    put_v2(tree);
    assert_int_equal(cgroup_io_read(tree->root, "app", &sample, &err),
                     CGROUP_OK);
    assert_false(sample.has_pressure);
    assert_int_equal(sample.oom_kills, 0);
}

static void
a_v1_container_is_read(void **state)
{
    struct tree *tree = *state;
    struct cgroup_sample sample;
    struct gt_err err;

    put(tree, "app", NULL);
    put(tree, "app/cpu", NULL);
    put(tree, "app/cpuacct", NULL);
    put(tree, "app/memory", NULL);
    put(tree, "app/cpu/cpu.stat",
        "nr_periods 4\nnr_throttled 1\nthrottled_time 5000\n");
    put(tree, "app/cpuacct/cpuacct.usage", "8000000\n");
    put(tree, "app/memory/memory.usage_in_bytes", "9000\n");
    put(tree, "app/memory/memory.stat",
        "total_inactive_file 1000\ntotal_active_file 2000\n");
    put(tree, "app/memory/memory.oom_control", "under_oom 0\noom_kill 2\n");

    assert_int_equal(cgroup_io_read(tree->root, "app", &sample, &err),
                     CGROUP_OK);

    assert_int_equal(sample.usage_us, 8000);
    assert_int_equal(sample.throttled_us, 5);
    assert_int_equal(sample.memory_bytes, 9000);
    assert_int_equal(sample.oom_kills, 2);
}

static void
what_cannot_be_read_is_named_with_the_reason(void **state)
{
    struct tree *tree = *state;
    struct cgroup_sample sample;
    struct gt_err err;

    assert_int_equal(cgroup_io_read(tree->root, "app", &sample, &err),
                     CGROUP_E_MISSING);
    assert_non_null(strstr(err.text, tree->root));
    assert_non_null(strstr(err.text, "No such file or directory"));

    put(tree, "app", NULL);
    assert_int_equal(cgroup_io_read(tree->root, "app", &sample, &err),
                     CGROUP_E_MISSING);
    assert_non_null(strstr(err.text, "/app: memory.current: No such file"));

    put(tree, "app/memory.current", "1\n");
    assert_int_equal(cgroup_io_read(tree->root, "app", &sample, &err),
                     CGROUP_E_MISSING);
    assert_non_null(strstr(err.text, "cpu.stat"));

    put(tree, "app/cpu.stat", "usage_usec 1\n");
    put(tree, "app/memory.stat", "active_file x\n");
    assert_int_equal(cgroup_io_read(tree->root, "app", &sample, &err),
                     CGROUP_E_SYNTAX);
    assert_non_null(strstr(err.text, "malformed"));
}

static void
a_missing_right_is_named(void **state)
{
    struct tree *tree = *state;
    struct cgroup_sample sample;
    struct gt_err err;
    enum cgroup_outcome outcome = CGROUP_OK;

    put_v2(tree);
    assert_int_equal(chmod(tree->paths[3], 0), 0); /* memory.stat */
    if (geteuid() == 0) { /* root may read everything */
        assert_int_equal(seteuid(65534), 0);
        outcome = cgroup_io_read(tree->root, "app", &sample, &err);
        assert_int_equal(seteuid(0), 0);
    } else {
        outcome = cgroup_io_read(tree->root, "app", &sample, &err);
    }
    assert_int_equal(outcome, CGROUP_E_MISSING);
    assert_int_equal(err.code, -EACCES);
    assert_non_null(strstr(err.text, "memory.stat"));
    assert_non_null(strstr(err.text, "user and group of the app"));
}

static void
a_file_longer_than_any_kernel_writes_is_refused(void **state)
{
    struct tree *tree = *state;
    struct cgroup_sample sample;
    struct gt_err err;
    char text[10000];

    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    put(tree, "app", NULL);
    put(tree, "app/memory.current", "1\n");
    put(tree, "app/cpu.stat", "usage_usec 1\n");
    put(tree, "app/memory.stat", text);
    assert_int_equal(cgroup_io_read(tree->root, "app", &sample, &err),
                     CGROUP_E_MISSING);
    assert_int_equal(err.code, -EFBIG);
}

static void
a_name_that_leads_elsewhere_is_refused(void **state)
{
    static const char *const bad[] = {"", ".", "..", "../app", "a/b", "/"};
    struct tree *tree = *state;
    struct cgroup_sample sample;
    struct gt_err err;

    put_v2(tree);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(cgroup_io_read(tree->root, bad[i], &sample, &err),
                         CGROUP_E_MISSING);
        assert_int_equal(err.code, -EINVAL);
    }
}

static void
no_file_stays_open(void **state)
{
    struct tree *tree = *state;
    struct cgroup_sample sample;
    struct gt_err err;
    int first = dup(0);
    int second = -1;

    close(first);
    put_v2(tree);
    for (int i = 0; i < 10; i++) {
        cgroup_io_read(tree->root, "app", &sample, &err);
        cgroup_io_read(tree->root, "none", &sample, &err);
    }
    second = dup(0);
    close(second);
    assert_int_equal(first, second);
}

int
main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, make_tree, drop_tree)
    const struct CMUnitTest tests[] = {
        EACH(a_v2_container_is_read),
        EACH(files_that_may_be_absent_are),
        EACH(a_v1_container_is_read),
        EACH(what_cannot_be_read_is_named_with_the_reason),
        EACH(a_missing_right_is_named),
        EACH(a_file_longer_than_any_kernel_writes_is_refused),
        EACH(a_name_that_leads_elsewhere_is_refused),
        EACH(no_file_stays_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
