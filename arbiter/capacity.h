/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The books of capacity: what each node has, and what each pod on it claims.
 *
 * Nodes and pods come from the API's watch; agents may be heard before it names
 * their pod or node, so both can also be known by the bus alone.  A claim is an
 * interval per resource; a node's load is the sum over its pods.  What the API
 * said before a full LIST and not in it is gone: capacity_listing(), the items,
 * then capacity_stale_pod() and capacity_stale_node().
 *
 * Pure.
 */
#ifndef ARBITER_CAPACITY_H
#define ARBITER_CAPACITY_H

#include "arbiter/table.h"
#include "proto/kube.h"

struct capacity_claim {
    int64_t lo, hi; /* bounds */
    int64_t mid;    /* as reported: what admitted moves start from */
};

/* One container as the API shows it: spec and actual request, in order. */
struct capacity_container {
    uint64_t name; /* hash */
    int64_t lo[GT_RESOURCES], hi[GT_RESOURCES];
};

struct capacity_pod {
    char uid[KUBE_UID_MAX];
    uint32_t node;       /* TABLE_NONE: not bound */
    uint32_t next, prev; /* on the node */
    uint32_t member;     /* the caller's: its agent, or TABLE_NONE */
    bool in_api;
    bool finished; /* Succeeded or Failed: claims nothing */
    uint32_t listing;
    size_t containers_len;
    struct capacity_container containers[KUBE_CONTAINERS_MAX];
    int64_t sidecars[GT_RESOURCES];
    struct capacity_claim claims[GT_RESOURCES];
};

struct capacity_node {
    char name[KUBE_NAME_MAX];
    uint64_t serial; /* tells two nodes in the same place apart */
    bool in_api;
    uint32_t listing;
    uint32_t pods, first;              /* @first: TABLE_NONE without pods */
    int64_t allocatable[GT_RESOURCES]; /* 0 until the API names the node */
    struct capacity_claim loads[GT_RESOURCES];
};

struct capacity {
    struct table nodes, pods;
    uint64_t serials;
    uint32_t listings[KUBE_OBJECT_NODE + 1];
};

size_t capacity_size(uint32_t max_nodes, uint32_t max_pods);
void capacity_init(struct capacity *c, void *memory, uint32_t max_nodes,
                   uint32_t max_pods);

struct capacity_node *capacity_node(const struct capacity *c, uint32_t node);
struct capacity_pod *capacity_pod(const struct capacity *c, uint32_t pod);

/*
 * The pod @uid, of which the bus alone says that it is on @node; both are made
 * if need be.  A pod that is bound already stays where it is.  TABLE_NONE when
 * full.
 */
uint32_t capacity_have_pod(struct capacity *c, const char *uid,
                           const char *node);

uint32_t capacity_find_pod(const struct capacity *c, const char *uid);
uint32_t capacity_find_node(const struct capacity *c, const char *name);

/*
 * Takes what the API says.  TABLE_NONE when full.  A pod's claim is the
 * caller's to set afterwards; its node may have changed.
 */
uint32_t capacity_take_node(struct capacity *c, const struct kube_node *node);
uint32_t capacity_take_pod(struct capacity *c, const struct kube_pod *pod);

/* The claim becomes [lo, hi]; the node's load follows. */
void capacity_claim(struct capacity *c, uint32_t pod,
                    const struct capacity_claim claims[GT_RESOURCES]);

/* Forgets the pod and its claim, and its node if nothing needs it. */
void capacity_drop_pod(struct capacity *c, uint32_t pod);

/* The API names the node no more; it stays, without capacity, while it has
 * pods.  */
void capacity_drop_node(struct capacity *c, uint32_t node);

/* A full LIST begins.  */
void capacity_listing(struct capacity *c, enum kube_object object);

/* It ended: one that it did not name, from *@cursor on; TABLE_NONE: no more. */
uint32_t capacity_stale_pod(const struct capacity *c, uint32_t *cursor);
uint32_t capacity_stale_node(const struct capacity *c, uint32_t *cursor);

/* Iterates over a node's pods: from its @first, then this; TABLE_NONE ends. */
uint32_t capacity_next_pod(const struct capacity *c, uint32_t pod);

#endif
