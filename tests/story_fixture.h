/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every story test needs: a story that is set up and torn down, and the
 * questions that are asked at its end.
 */
#ifndef TESTS_STORY_FIXTURE_H
#define TESTS_STORY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/story.h"

#define A_STORY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static int
set_up(void **state)
{
    struct story *s = malloc(sizeof(*s));

    assert_non_null(s);
    story_init(s);
    *state = s;
    return 0;
}

static int
tear_down(void **state)
{
    story_fini(*state);
    free(*state);
    return 0;
}

/* Nothing happened that must never happen. */
static inline void
is_sound(const struct story *s)
{
    if (world_violation(s->world) != NULL) {
        fail_msg("%s", world_violation(s->world));
    }
}

/* From @second on, @who said of @events just this. */
static inline void
tells(const struct story *s, double second, const char *who, const char *events,
      const char *expected)
{
    static char memory[1 << 18];
    struct gt_buf lines;

    gt_buf_init(&lines, memory, sizeof(memory));
    story_lines(s, second, who, events, &lines);
    assert_false(lines.overflow);
    if (strcmp(lines.data, expected) != 0) {
        /* cmocka cuts what it prints */
        (void)fprintf(stderr, "told:\n%sexpected:\n%s", lines.data, expected);
        fail();
    }
}

static inline int64_t
cpu_of(const struct story *s, size_t pod)
{
    return world_request(s->world, pod, GT_CPU);
}

static inline int64_t
mib_of(const struct story *s, size_t pod)
{
    return world_request(s->world, pod, GT_MEMORY) / STORY_MIB;
}

#endif
