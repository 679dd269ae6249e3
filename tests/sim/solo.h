/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One agent, step by step: the test plays everybody else by hand, the
 * containers, the API server and the arbiter.
 *
 * Pure but for the agent's memory.
 */
#ifndef TESTS_SIM_SOLO_H
#define TESTS_SIM_SOLO_H

#include "agent/agent.h"

#define SOLO_MIB ((int64_t)1 << 20)

struct solo {
    struct agent *agent;
    struct agent_config config;
    struct gt_log log;
    struct gt_buf out;
    char text[1 << 16];
    uint64_t ms;
    struct kube_pod pod;          /* as the API server has it */
    struct agent_figures figures; /* counters so far */
    bool blind;
    uint64_t arbiter, epoch; /* of the signals */
    int64_t capacity_milli;  /* that they tell */
    int64_t load_milli;
    struct agent_update update;  /* of the last step */
    uint32_t seen;               /* enum agent_todo since solo_forget() */
    struct wire_strategy said;   /* the last message */
    struct wire_strategy intent; /* the last intent */
    struct kube_patch patch;     /* the last patch */
    unsigned patches;            /* sent so far */
    unsigned asked;              /* requests without an answer */
    bool sent;                   /* a patch is among them */
    struct shrink_answer reply;  /* the last one */
};

/* One container "app" of 500m and 512Mi, limits like requests. */
void solo_init(struct solo *s);
void solo_fini(struct solo *s);

void solo_annotate(struct solo *s, const char *key, const char *value);
/* One more container like the first. */
void solo_add_container(struct solo *s, const char *name);

/* The agent starts and reads its pod; then the arbiter lists it. */
void solo_begin(struct solo *s);

void solo_step(struct solo *s, struct agent_event *event);
/* A step of a kind that needs no more. */
void solo_event(struct solo *s, enum agent_event_kind kind);

/* A second in which every container uses so much; the agent wakes and
 * samples. */
void solo_second(struct solo *s, double cores, double throttled, double mib);
void solo_seconds(struct solo *s, int n, double cores, double throttled,
                  double mib);

/* The next signal without lights. */
struct wire_signal solo_signal(struct solo *s);
void solo_hear(struct solo *s, const struct wire_signal *signal);
/* The next signal answers every wish of the last intent. */
void solo_light(struct solo *s, enum wire_light_color color);

/* The API server answers with the pod as it is, or refuses. */
void solo_answer(struct solo *s, enum kube_outcome outcome);
/* The last patch is taken by the API server; by the kubelet, too. */
void solo_accept(struct solo *s);
void solo_enforce(struct solo *s);
/* Accepted, enforced, and the agent is told until it stops asking. */
void solo_complete(struct solo *s);

/* Forgets @seen and the log. */
void solo_forget(struct solo *s);
bool solo_logged(const struct solo *s, const char *text);

#endif
