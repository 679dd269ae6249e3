/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the pod's owner wants: the annotations scaling.mesh/KEY, each also as
 * KEY.CONTAINER, and their defaults.
 *
 * A bad annotation makes the whole pod be left alone (POLICY_E_VALUE): an
 * owner's wish that we do not understand is not one to guess at.
 *
 * Pure.
 */
#ifndef AGENT_POLICY_H
#define AGENT_POLICY_H

#include "proto/kube.h"

enum policy_mode { POLICY_APPLY, POLICY_RECOMMEND, POLICY_OFF };

enum policy_release {
    POLICY_RELEASE_AUTO, /* what can be had without the app's help: nothing
                            yet but looking */
    POLICY_RELEASE_HTTP, /* the app's own hook */
    POLICY_RELEASE_NONE, /* memory never shrinks */
};

/* What holds for one container. */
struct policy {
    enum policy_mode mode;
    int64_t min[GT_RESOURCES]; /* requests: milli-CPU, bytes */
    int64_t max[GT_RESOURCES];
    bool moves[GT_RESOURCES];     /* annotation resources */
    bool requests_only;           /* controlled: requests */
    double weight;                /* priority, 0.25 to 16 */
    double penalty[GT_RESOURCES]; /* b of common/game.h, by class */
    enum policy_release release;
    uint16_t release_port; /* POLICY_RELEASE_HTTP */
    char release_path[96];
};

enum policy_outcome {
    POLICY_OK,
    POLICY_E_VALUE, /* an annotation with a value out of its set or range */
};

/*
 * Reads the policy of container @index.  The max defaults to 4 x the request
 * that the pod has in @pod: call it with the pod as first seen.  On
 * POLICY_E_VALUE @bad (if not NULL) points at the annotation inside @pod.
 */
enum policy_outcome policy_read(struct policy *out, const struct kube_pod *pod,
                                size_t index,
                                const struct kube_annotation **bad);

const char *policy_mode_name(enum policy_mode mode);

#endif
