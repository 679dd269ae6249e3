/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API's watch says goes into the books.  Parts of arbiter_step().
 *
 * Pure.
 */
#ifndef ARBITER_CENSUS_H
#define ARBITER_CENSUS_H

#include "arbiter/books.h"

void census_pod(struct arbiter *a, const struct kube_watch_event *event);
void census_node(struct arbiter *a, const struct kube_watch_event *event);

/* A full LIST is complete: what it did not name is gone. */
void census_synced(struct arbiter *a, enum kube_object object);

void census_lost(struct arbiter *a, enum kube_object object);

#endif
