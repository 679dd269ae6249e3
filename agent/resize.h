/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The deed: one resize of the own pod, from the PATCH to its end.
 *
 * 200 is not done.  Done is observedGeneration >= the answer's generation, no
 * resize condition, and actual = asked (kube_pod_settled()).  A Deferred resize
 * or a memory decrease under usage blocks every other change of the pod, so it
 * is withdrawn: after RESIZE_DEFERRED_MS, and at once on Error or Infeasible.
 * KEP-1287; the recorded behaviour of a 1.36 kubelet.
 *
 * One resize is in flight at a time, but a growth supersedes a pending shrink:
 * resize_start() while one is open replaces it.
 *
 * An answer that is lost leaves open what holds: the pod is read, at growing
 * pauses, until that is known.  A withdrawal goes on until the pod has its old
 * values, a new resize replaces it, or the pod is gone.
 *
 * Every request is answered once, in order: the shell has one under way.
 *
 * Pure.  Holds no pointers.
 */
#ifndef AGENT_RESIZE_H
#define AGENT_RESIZE_H

#include "common/time.h"
#include "proto/kube.h"

#define RESIZE_DEFERRED_MS 10000 /* then withdraw */
#define RESIZE_STUCK_MS    60000 /* in progress without an end: withdraw */

enum resize_phase {
    RESIZE_IDLE,
    RESIZE_SENT,        /* PATCH is under way, or its answer was lost */
    RESIZE_FOLLOWING,   /* accepted; the pod is re-read until it is settled */
    RESIZE_WITHDRAWING, /* PATCH back to the old values under way */
    RESIZE_WITHDRAW_FOLLOWING, /* accepted; re-read until settled */
};

/* What the shell must do next; at most one thing. */
enum resize_deed {
    RESIZE_WAIT,  /* nothing before wake_ms */
    RESIZE_PATCH, /* send resize_patch() */
    RESIZE_READ,  /* read the pod: an empty patch */
};

/* How a resize ended, told once. */
enum resize_end {
    RESIZE_OPEN, /* not ended */
    RESIZE_DONE, /* settled; the answer's pod tells at what */
    RESIZE_WITHDRAWN_DEFERRED,
    RESIZE_WITHDRAWN_INFEASIBLE,
    RESIZE_WITHDRAWN_ERROR,
    RESIZE_WITHDRAWN_STUCK,
    RESIZE_REFUSED, /* the API said no: @refusal of struct resize */
    RESIZE_GONE,    /* the pod is gone, finished, terminating or another */
};

struct resize {
    enum resize_phase phase;
    struct kube_patch patch; /* asked for */
    struct kube_patch undo;  /* what was before */
    enum resize_deed asked;  /* its answer is due; RESIZE_WAIT: none is */
    unsigned stale;          /* answers due to requests that were replaced */
    bool superseded;         /* of an earlier patch something may hold */
    int64_t generation;      /* of the accepted patch */
    uint64_t sent_ms;        /* when the phase began */
    uint64_t deferred_ms;    /* first seen Deferred; 0: not */
    uint64_t wake_ms;
    unsigned reads;            /* follow-ups so far: they get rarer */
    unsigned failures;         /* requests in a row without a good answer */
    enum resize_end cause;     /* why it is being withdrawn */
    enum kube_outcome refusal; /* of RESIZE_REFUSED */
};

void resize_init(struct resize *r);

/*
 * Starts a resize to @patch, with the values of @pod as the way back.  Returns
 * RESIZE_PATCH.  While one is open, the new one replaces it, so @patch names
 * all that shall hold then; the way back stays that of the settled pod.
 */
enum resize_deed resize_start(struct resize *r, const struct kube_patch *patch,
                              const struct kube_pod *pod, struct gt_time now);

/*
 * Follows a resize that the pod is in already, of an agent before this one or
 * of somebody else, with the values in force as the way back.  False where
 * there is none.
 */
bool resize_adopt(struct resize *r, const struct kube_pod *pod,
                  struct gt_time now);

/*
 * Feeds the answer to a PATCH or to a READ (a READ is an empty PATCH, so it
 * answers alike).  Sets @end: once how the resize ended, else RESIZE_OPEN.
 */
enum resize_deed resize_answer(struct resize *r,
                               const struct kube_answer *answer,
                               struct gt_time now, enum resize_end *end);

/* Call at wake_ms; earlier does no harm. */
enum resize_deed resize_wake(struct resize *r, struct gt_time now);

/* The patch to send for RESIZE_PATCH. */
const struct kube_patch *resize_patch(const struct resize *r);

const char *resize_end_name(enum resize_end end);

#endif
