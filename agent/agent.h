/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's core: a player.  One function: an event with the time in it goes
 * in, what the shell must do comes out.  An answer to a deed is itself an
 * event, so the core never waits and is never called back.
 *
 * The journey of a decision: samples -> demand -> learner -> response -> guard
 * -> (handshake) -> intent -> light -> patch -> follow-up -> ack.  The agent
 * owns the deed and the veto: a signal can suggest, never push a pod below its
 * floor, above its max, or into a memory shrink without a handshake.
 *
 * Pure.  A few hundred KiB for the largest pod, most of it untouched for a
 * small one: give it zeroed memory of its own.
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "agent/cgroup.h"
#include "agent/guard.h"
#include "agent/handshake.h"
#include "agent/mesh.h"
#include "agent/player.h"
#include "agent/policy.h"
#include "agent/resize.h"
#include "agent/sensor.h"
#include "common/log.h"
#include "common/time.h"
#include "proto/kube.h"
#include "proto/shrink.h"
#include "proto/wire.h"

#define AGENT_SAMPLE_MS 1000
#define AGENT_TICK_MS   15000

/* What the shell knows at start; texts are borrowed for the agent's life. */
struct agent_config {
    const char *node;
    const char *space; /* namespace */
    const char *pod;
    const char *uid;
    uint64_t incarnation; /* proto/wire.h says how it is made */
    double resize_burst;  /* token bucket of the API budget */
    double resizes_per_hour;
};

enum agent_event_kind {
    AGENT_START,     /* first event, once */
    AGENT_WAKE,      /* update.wake_ms came (or earlier; it does no harm) */
    AGENT_SAMPLED,   /* the figures that AGENT_DO_SAMPLE asked for */
    AGENT_ANSWERED,  /* the answer to AGENT_DO_PATCH or AGENT_DO_READ */
    AGENT_RELEASED,  /* the lever's answer */
    AGENT_SIGNALED,  /* a signal that could be decoded */
    AGENT_GARBLED,   /* a message that could not */
    AGENT_CONNECTED, /* the bus is up (again) */
    AGENT_PROPOSED,  /* POST /admin/shrink with a valid target */
    AGENT_STOP,      /* last event: say bye */
};

/* One reading of every container, in the pod's order. */
struct agent_figures {
    size_t len;
    struct {
        enum cgroup_outcome outcome;
        struct cgroup_sample sample; /* on CGROUP_OK */
    } of[KUBE_CONTAINERS_MAX];
};

struct agent_event {
    enum agent_event_kind kind;
    struct gt_time now;
    union { /* borrowed for the step */
        const struct agent_figures *figures;
        const struct kube_answer *answer;
        const struct wire_signal *signal;
        enum wire_outcome garbled;
        bool released;        /* the lever did what it could */
        int64_t target_bytes; /* AGENT_PROPOSED */
    };
};

/* In this order: the shell performs what is set from top to bottom. */
enum agent_todo {
    AGENT_DO_PATCH = 1 << 0,   /* send @patch */
    AGENT_DO_READ = 1 << 1,    /* send an empty patch: the pod comes back */
    AGENT_DO_PUBLISH = 1 << 2, /* send @message on /strategies */
    AGENT_DO_RELEASE = 1 << 3, /* pull the lever: @release */
    AGENT_DO_RESTORE = 1 << 4, /* tell the app its limit: @restore */
    AGENT_DO_REPLY = 1 << 5,   /* answer the POST: @reply */
    AGENT_DO_SAMPLE = 1 << 6,  /* read the cgroup files now */
};

struct agent_release {
    uint16_t port;
    const char *path;    /* the agent's own, until the next step */
    int64_t limit_bytes; /* the target, or the limit to go back to */
};

struct agent_update {
    uint32_t todo;    /* enum agent_todo */
    uint64_t wake_ms; /* mesh time of the next AGENT_WAKE */
    bool granted;     /* PATCH: an uncontended growth by a green light */
    struct kube_patch patch;
    struct wire_strategy message;
    struct agent_release release;
    struct agent_release restore;
    struct shrink_answer reply;
};

/* Counters for metrics: what happened since start. */
struct agent_counts {
    uint64_t samples;
    uint64_t blind_samples;
    uint64_t intents;
    uint64_t green_lights, red_lights;
    uint64_t patches;
    uint64_t resizes[RESIZE_GONE + 1];      /* by enum resize_end */
    uint64_t refusals[KUBE_E_REQUEST + 1];  /* by enum kube_outcome */
    uint64_t signals[MESH_E_DUPLICATE + 1]; /* by enum mesh_outcome */
    uint64_t garbled;
    uint64_t handshakes_ok, handshakes_refused;
    uint64_t oom_kills;
};

struct agent_container {
    struct policy policy;
    struct sensor sensor;
    struct sensor_rates rates;   /* of the last pair of samples */
    bool short_of[GT_RESOURCES]; /* urgent, as of the last sample */
    uint64_t oom_ms;             /* the last OOM kill; 0: none */
    struct player players[GT_RESOURCES];
};

enum agent_phase {
    AGENT_UNKNOWN, /* the pod was not read yet */
    AGENT_PLAYING,
    AGENT_LEFT_ALONE, /* BestEffort, mode off or a bad annotation */
    AGENT_GONE,       /* pod finished, terminating or replaced */
};

struct agent {
    const struct agent_config *config;
    struct gt_log *log;
    enum agent_phase phase;
    struct mesh mesh;
    struct guard guard;
    struct handshake handshake;
    struct resize resize;
    struct kube_pod pod; /* as last read */
    size_t containers_len;
    struct agent_container containers[KUBE_CONTAINERS_MAX];
    struct agent_counts counts;
    struct shrink_answer last_shrink; /* of the last handshake */
    bool blind;                       /* the last reading failed */
    uint64_t read_at_ms;              /* read the pod again; GT_NEVER_MS */
    uint64_t sample_at_ms;
    uint64_t tick_at_ms;
    uint64_t intent_seq; /* the intent whose lights count; 0: none */
    uint64_t intent_ms;  /* when it was sent */
    bool lights_due;     /* none of its lights came yet */
    bool intent_held;    /* red or no light in time, since the wish arose */
    char setback[KUBE_MESSAGE_MAX]; /* what the API last said against it */
    uint64_t patched_ms;            /* when the open resize was sent */
    bool acted_alone;               /* since the last message */
    bool restore_due;    /* once the pod was read: the app's ceiling */
    bool commit_pending; /* a green memory shrink waits for fresh figures */
};

/* @config and @log are borrowed for the agent's life; @a is zeroed memory. */
void agent_init(struct agent *a, const struct agent_config *config,
                struct gt_log *log);

/* @update is written whole. */
void agent_step(struct agent *a, const struct agent_event *event,
                struct agent_update *update);

/* One of the pod's players, numbered across containers and resources. */
struct agent_seat {
    size_t container;
    enum gt_resource resource;
    struct player *player;
};
size_t agent_seats(const struct agent *a);
struct agent_seat agent_seat(struct agent *a, size_t number);

/* The pod was read, the figures are seen: decisions have a ground.  For
 * /readyz; @why is a fixed sentence. */
bool agent_ready(const struct agent *a, const char **why);

#endif
