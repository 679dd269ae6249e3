/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/release_io.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/client_io.h"
#include "proto/kube.h"

#define ANSWER_MAX_BYTES 4096

/* One client per port that a hook was ever seen on: a container each. */
struct hook_client {
    uint16_t port;
    struct gt_client *client;
};

struct release_io {
    struct gt_loop *loop;
    struct release_io_config config;
    struct hook_client clients[KUBE_CONTAINERS_MAX];
    size_t clients_len;
    struct gt_client_call *call; /* the release or restore under way */
    bool releasing;              /* it is a release */
};

struct release_io *
release_io_new(struct gt_loop *loop, const struct release_io_config *config)
{
    struct release_io *io = calloc(1, sizeof(*io));

    if (io != NULL) {
        io->loop = loop;
        io->config = *config;
    }
    return io;
}

struct release_io *
release_io_free(struct release_io *io)
{
    for (size_t i = 0; io != NULL && i < io->clients_len; i++) {
        gt_client_free(io->clients[i].client);
    }
    free(io);
    return NULL;
}

static struct gt_client *
client_of(struct release_io *io, uint16_t port)
{
    char url[32];
    struct gt_client_config config = {.base_url = url};
    struct hook_client *fresh = &io->clients[io->clients_len];
    struct gt_err unused;

    for (size_t i = 0; i < io->clients_len; i++) {
        if (io->clients[i].port == port) {
            return io->clients[i].client;
        }
    }
    if (io->clients_len == KUBE_CONTAINERS_MAX) {
        return NULL;
    }
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", (unsigned)port);
    fresh->port = port;
    fresh->client = gt_client_new(io->loop, &config, &unused);
    io->clients_len += fresh->client != NULL ? 1 : 0;
    return fresh->client;
}

static void
done(void *arg, const struct gt_client_reply *reply)
{
    struct release_io *io = arg;
    enum release_io_answer answer = RELEASE_E_STATUS;
    char why[128];

    io->call = NULL;
    if (!io->releasing) {
        return;
    }
    if (reply->status >= 200 && reply->status < 300) {
        answer = RELEASE_DONE;
    } else if (reply->status == 409) {
        answer = RELEASE_CANNOT;
    } else if (reply->status == 0) {
        answer = RELEASE_E_SILENT;
    }
    snprintf(why, sizeof(why), "status %u%s%s", reply->status,
             reply->status == 0 ? ": " : "", reply->error);
    io->config.answered(io->config.arg, answer, why);
}

static int
post(struct release_io *io, const struct release_io_hook *hook,
     const char *phase, const char *figure)
{
    char path[256];
    struct gt_client *client = client_of(io, hook->port);
    struct gt_client_request request = {
        .method = "POST",
        .path = path,
        .timeout_ms = io->config.timeout_ms,
        .body_max_bytes = ANSWER_MAX_BYTES,
        .done = done,
        .arg = io,
    };
    int n = snprintf(path, sizeof(path), "%s?phase=%s&%s=%" PRId64, hook->path,
                     phase, figure, hook->limit_bytes);

    gt_client_cancel(io->call);
    io->call = NULL;
    if (client == NULL) {
        return -ENOMEM;
    }
    if (n < 0 || (size_t)n >= sizeof(path)) {
        return -ENAMETOOLONG;
    }
    io->call = gt_client_ask(client, &request);
    return io->call != NULL ? 0 : -ENOMEM;
}

int
release_io_pull(struct release_io *io, const struct release_io_hook *hook)
{
    io->releasing = true;
    return post(io, hook, "release", "target");
}

int
release_io_restore(struct release_io *io, const struct release_io_hook *hook)
{
    io->releasing = false;
    return post(io, hook, "restore", "limit");
}
