/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's one right: PATCH of its own pod's resize subresource.  An empty
 * patch writes nothing and brings the pod back, so it is the way to read.
 *
 * One request is under way at a time and a second one waits; a third replaces
 * the second, which is then answered as if it had been lost.  So every request
 * is answered once, in order, from the loop.
 */
#ifndef AGENT_API_IO_H
#define AGENT_API_IO_H

#include "common/loop_io.h"
#include "proto/kube.h"

struct api_io;

struct api_io_config {
    const char *base_url; /* plain http on loopback only, without token */
    const char *token_file;
    const char *ca_file;
    const char *space; /* namespace */
    const char *pod;
    void (*answered)(void *arg, const struct kube_answer *answer);
    void *arg;
};

/* NULL sets @err. */
struct api_io *api_io_new(struct gt_loop *loop,
                          const struct api_io_config *config,
                          struct gt_err *err);
/* Returns NULL. */
struct api_io *api_io_free(struct api_io *api);

void api_io_patch(struct api_io *api, const struct kube_patch *patch);
void api_io_read(struct api_io *api);

#endif
