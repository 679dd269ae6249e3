/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A resize played against an API server and a kubelet that the test moves by
 * hand.
 */
#ifndef TESTS_RESIZE_PLAY_H
#define TESTS_RESIZE_PLAY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/resize.h"

#define MIB   INT64_C(1048576)
#define START 1000000 /* mesh time of the first event */

/* A resize and the pod as the API server has it. */
struct play {
    struct resize resize;
    struct kube_pod pod;
    struct gt_time now;
    enum resize_end end;
};

static inline struct kube_resources
resources(int64_t cpu, int64_t memory)
{
    return (struct kube_resources){
        .requests = {cpu,     memory    },
        .limits = {2 * cpu, 2 * memory},
    };
}

static inline struct kube_patch
to_cpu(int64_t cpu)
{
    struct kube_patch patch;

    memset(&patch, 0, sizeof(patch));
    strcpy(patch.uid, "uid-1");
    patch.changes_len = 1;
    strcpy(patch.changes[0].name, "app");
    patch.changes[0].to = (struct kube_resources){
        .requests = {cpu,     KUBE_ABSENT},
        .limits = {2 * cpu, KUBE_ABSENT},
    };
    return patch;
}

/* Two containers at 100m and 64 MiB, settled at generation 1. */
static inline void
open_play(struct play *play)
{
    memset(play, 0, sizeof(*play));
    resize_init(&play->resize);
    play->now.mono_ms = START;
    strcpy(play->pod.uid, "uid-1");
    play->pod.generation = 1;
    play->pod.observed_generation = 1;
    play->pod.containers_len = 2;
    strcpy(play->pod.containers[0].name, "log");
    strcpy(play->pod.containers[1].name, "app");
    for (size_t i = 0; i < 2; i++) {
        play->pod.containers[i].spec = resources(100, 64 * MIB);
        play->pod.containers[i].actual = resources(100, 64 * MIB);
        play->pod.containers[i].has_actual = true;
    }
}

/* The API server stores what the machine wants sent. */
static inline void
accept_patch(struct play *play)
{
    const struct kube_patch *patch = resize_patch(&play->resize);

    for (size_t i = 0; i < patch->changes_len; i++) {
        for (size_t j = 0; j < play->pod.containers_len; j++) {
            struct kube_resources *spec = &play->pod.containers[j].spec;
            const struct kube_resources *to = &patch->changes[i].to;

            if (strcmp(patch->changes[i].name, play->pod.containers[j].name)) {
                continue;
            }
            for (int r = 0; r < GT_RESOURCES; r++) {
                if (to->requests[r] != KUBE_ABSENT) {
                    spec->requests[r] = to->requests[r];
                }
                if (to->limits[r] != KUBE_ABSENT) {
                    spec->limits[r] = to->limits[r];
                }
            }
        }
    }
    play->pod.generation++;
}

/* The kubelet has done what the pod asks for. */
static inline void
settle(struct play *play)
{
    for (size_t i = 0; i < play->pod.containers_len; i++) {
        play->pod.containers[i].actual = play->pod.containers[i].spec;
    }
    play->pod.observed_generation = play->pod.generation;
    play->pod.resize = KUBE_RESIZE_NONE;
}

/* The kubelet has looked at the resize and set @condition. */
static inline void
condition(struct play *play, enum kube_resize resize)
{
    play->pod.observed_generation = play->pod.generation;
    play->pod.resize = resize;
}

/* The pod comes back. */
static inline enum resize_deed
answer(struct play *play)
{
    struct kube_answer pod;

    memset(&pod, 0, sizeof(pod));
    pod.status = 200;
    pod.pod = play->pod;
    return resize_answer(&play->resize, &pod, play->now, &play->end);
}

static inline enum resize_deed
refuse(struct play *play, enum kube_outcome outcome)
{
    struct kube_answer failure;

    memset(&failure, 0, sizeof(failure));
    failure.outcome = outcome;
    return resize_answer(&play->resize, &failure, play->now, &play->end);
}

static inline enum resize_deed
start(struct play *play, int64_t cpu)
{
    struct kube_patch patch = to_cpu(cpu);

    return resize_start(&play->resize, &patch, &play->pod, play->now);
}

/* Time passes until the machine wants to be woken; returns how long. */
static inline uint64_t
wait_for_wake(struct play *play)
{
    uint64_t pause_ms = play->resize.wake_ms - play->now.mono_ms;

    assert_true(play->resize.wake_ms != GT_NEVER_MS);
    play->now.mono_ms = play->resize.wake_ms - 1;
    assert_int_equal(resize_wake(&play->resize, play->now), RESIZE_WAIT);
    play->now.mono_ms++;
    assert_int_equal(resize_wake(&play->resize, play->now), RESIZE_READ);
    assert_int_equal(resize_wake(&play->resize, play->now), RESIZE_WAIT);
    return pause_ms;
}

/* A resize to 200m that the API server accepted. */
static inline void
open_accepted(struct play *play)
{
    open_play(play);
    assert_int_equal(start(play, 200), RESIZE_PATCH);
    accept_patch(play);
    assert_int_equal(answer(play), RESIZE_WAIT);
    assert_int_equal(play->resize.phase, RESIZE_FOLLOWING);
    assert_int_equal(play->end, RESIZE_OPEN);
}

/* The withdrawal under way is accepted, done, and ends as @end. */
static inline void
assert_withdrawn(struct play *play, enum resize_end end)
{
    assert_int_equal(play->resize.phase, RESIZE_WITHDRAWING);
    accept_patch(play);
    assert_int_equal(play->pod.containers[1].spec.requests[GT_CPU], 100);
    assert_int_equal(play->pod.containers[1].spec.limits[GT_CPU], 200);
    assert_int_equal(answer(play), RESIZE_WAIT);
    assert_int_equal(play->resize.phase, RESIZE_WITHDRAW_FOLLOWING);
    assert_int_equal(play->end, RESIZE_OPEN);
    settle(play);
    wait_for_wake(play);
    assert_int_equal(answer(play), RESIZE_WAIT);
    assert_int_equal(play->end, end);
    assert_int_equal(play->resize.phase, RESIZE_IDLE);
}

#endif
