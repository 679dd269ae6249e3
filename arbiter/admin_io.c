/* SPDX-License-Identifier: Apache-2.0 */
#include "arbiter/admin_io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arbiter/show.h"
#include "common/http_io.h"
#include "proto/metrics.h"

/* An answer grows to what it needs, up to what a full house may say. */
#define ANSWER_MIN_BYTES ((size_t)64 << 10)
#define ANSWER_MAX_BYTES ((size_t)64 << 20)
#define CONNECTIONS_MAX  32
#define PER_IP_MAX       16 /* one loud peer leaves room for the probes */
#define DEADLINE_MS      10000

struct admin_io {
    struct gt_loop *loop;
    struct gt_http *http;
    const struct arbiter *arbiter;
};

static void
answer_text(struct gt_http_request *request, unsigned status, const char *text)
{
    struct gt_http_reply reply = {
        .status = status,
        .body = text,
        .len = strlen(text),
    };

    gt_http_answer(request, &reply);
}

static void
get_healthz(struct gt_http_request *request, void *arg)
{
    (void)arg; /* an answer at all says that the loop turns */
    answer_text(request, 200, "ok\n");
}

static void
get_readyz(struct gt_http_request *request, void *arg)
{
    const struct admin_io *admin = arg;

    if (arbiter_synced(admin->arbiter)) {
        answer_text(request, 200, "pods and nodes are known\n");
    } else {
        answer_text(request, 503, "pods and nodes were not read yet\n");
    }
}

static void
write_metrics(const struct admin_io *admin, struct gt_buf *out)
{
    show_metrics(admin->arbiter, out);
}

static void
write_state(const struct admin_io *admin, struct gt_buf *out)
{
    show_state(admin->arbiter, gt_loop_now(admin->loop), out);
}

/* False where it does not fit into @size bytes. */
static bool
answer_sized(struct gt_http_request *request, const struct admin_io *admin,
             const char *type, size_t size,
             void (*write)(const struct admin_io *, struct gt_buf *))
{
    char *text = malloc(size);
    struct gt_buf body;
    struct gt_http_reply reply = {
        .status = 200,
        .content_type = type,
        .body = text,
    };

    if (text == NULL) {
        answer_text(request, 503, "no memory\n");
        return true;
    }
    gt_buf_init(&body, text, size);
    write(admin, &body);
    reply.len = body.len;
    if (!body.overflow) {
        gt_http_answer(request, &reply);
    }
    free(text);
    return !body.overflow;
}

static void
answer(struct gt_http_request *request, const struct admin_io *admin,
       const char *type,
       void (*write)(const struct admin_io *, struct gt_buf *))
{
    for (size_t size = ANSWER_MIN_BYTES; size <= ANSWER_MAX_BYTES; size *= 4) {
        if (answer_sized(request, admin, type, size, write)) {
            return;
        }
    }
    answer_text(request, 500, "too much to tell\n");
}

static void
get_metrics(struct gt_http_request *request, void *arg)
{
    answer(request, arg, METRICS_CONTENT_TYPE, write_metrics);
}

static void
get_state(struct gt_http_request *request, void *arg)
{
    answer(request, arg, "application/json", write_state);
}

static const struct gt_http_route routes[] = {
    {"GET", "/healthz", get_healthz, 0},
    {"GET", "/readyz",  get_readyz,  0},
    {"GET", "/metrics", get_metrics, 0},
    {"GET", "/state",   get_state,   0},
};

struct admin_io *
admin_io_new(struct gt_loop *loop, const char *listen,
             const struct arbiter *arbiter, struct gt_err *err)
{
    struct admin_io *admin = calloc(1, sizeof(*admin));
    struct gt_http_config config = {
        .listen = listen,
        .routes = routes,
        .routes_len = GT_ARRAY_LEN(routes),
        .arg = admin,
        .connections_max = CONNECTIONS_MAX,
        .per_ip_max = PER_IP_MAX,
        .deadline_ms = DEADLINE_MS,
    };

    if (admin == NULL) {
        (void)gt_err_set(err, -ENOMEM, "no memory");
        return NULL;
    }
    admin->loop = loop;
    admin->arbiter = arbiter;
    admin->http = gt_http_new(loop, &config, err);
    if (admin->http == NULL) {
        (void)gt_err_wrap(err, "--listen %s", listen);
        return admin_io_free(admin);
    }
    return admin;
}

struct admin_io *
admin_io_free(struct admin_io *admin)
{
    if (admin != NULL && admin->http != NULL) {
        gt_http_free(admin->http);
    }
    free(admin);
    return NULL;
}

uint16_t
admin_io_port(const struct admin_io *admin)
{
    return gt_http_port(admin->http);
}
