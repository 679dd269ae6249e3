/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kubernetes objects out of parsed JSON; private to proto/kube*.c.
 *
 * A reader is false where a field is of a wrong type or range; its output then
 * means nothing.
 *
 * Pure.
 */
#ifndef PROTO_KUBE_READ_H
#define PROTO_KUBE_READ_H

#include "proto/field.h"
#include "proto/kube.h"

/* Managed fields nest deep: those of a pod in a list reach 15 and more. */
#define KUBE_DEPTH_MAX 32

/* An object may or may not say its kind; items of a list do not. */
bool kube_read_pod(struct kube_pod *out, struct json_object *object);
bool kube_read_node(struct kube_node *out, struct json_object *object);

/* The CPU and memory of a map of quantities; KUBE_ABSENT where there is none.
 */
bool kube_read_amounts(struct json_object *object, const char *key,
                       int64_t out[GT_RESOURCES]);

/* A message to people: cut to KUBE_MESSAGE_MAX, "" where it is none. */
void kube_read_message(struct json_object *object, const char *key, char *out);

#endif
