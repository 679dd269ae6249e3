/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/admin_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/handshake.h"
#include "common/http_io.h"
#include "proto/metrics.h"

#define REFILL_US         1000000 /* one more POST */
#define TOKEN_MAX         512
#define METRICS_MAX       32768
#define CONNECTIONS_MAX   16
#define PER_IP_MAX        8 /* one loud peer leaves room for the probes */
#define ADMIN_CONNECTIONS 8
#define DEADLINE_MS       5000
/* The core answers by its own deadlines; this is for a pod that ended. */
#define WAIT_MS (HANDSHAKE_RELEASE_MS + HANDSHAKE_SETTLE_MS + 10000)

struct admin_io {
    struct gt_loop *loop;
    struct admin_io_config config;
    struct gt_http *http;
    struct gt_http *admin;
    struct gt_http_request *waiting; /* the POST that the core works on */
    struct gt_loop_timer patience;
    unsigned budget; /* POSTs that may come now */
    uint64_t refilled_us;
};

static void
answer_text(struct gt_http_request *request, unsigned status, const char *text)
{
    struct gt_http_reply reply = {
        .status = status,
        .body = text,
        .len = strlen(text),
    };

    if (status == 401) {
        reply.headers[0].name = "WWW-Authenticate";
        reply.headers[0].value = "Bearer";
    }
    gt_http_answer(request, &reply);
}

static void
answer_json(struct gt_http_request *request, int status,
            const struct shrink_answer *answer)
{
    char text[512];
    struct gt_buf body;
    struct gt_http_reply reply = {
        .status = (unsigned)status,
        .content_type = "application/json",
        .body = text,
    };

    gt_buf_init(&body, text, sizeof(text));
    shrink_answer_encode(answer, &body);
    reply.len = body.len;
    if (status == 429) {
        reply.headers[0].name = "Retry-After";
        reply.headers[0].value = "1";
    }
    gt_http_answer(request, &reply);
}

static void
answer_shrink(struct gt_http_request *request,
              const struct shrink_answer *answer)
{
    answer_json(request, shrink_status(answer->reason), answer);
}

static void
refuse(struct gt_http_request *request, enum shrink_reason reason)
{
    struct shrink_answer answer = shrink_refusal(reason);

    answer_shrink(request, &answer);
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
    struct admin_io *admin = arg;
    char text[512];
    struct gt_buf why;
    bool ready = false;

    gt_buf_init(&why, text, sizeof(text));
    ready = admin->config.ready(admin->config.arg, &why);
    gt_buf_text(&why, "\n");
    answer_text(request, ready ? 200 : 503, text);
}

static void
get_metrics(struct gt_http_request *request, void *arg)
{
    struct admin_io *admin = arg;
    char *text = malloc(METRICS_MAX);
    struct gt_buf body;
    struct gt_http_reply reply = {
        .status = 200,
        .content_type = METRICS_CONTENT_TYPE,
        .body = text,
    };

    if (text == NULL) {
        answer_text(request, 503, "no memory\n");
        return;
    }
    gt_buf_init(&body, text, METRICS_MAX);
    admin->config.metrics(admin->config.arg, &body);
    reply.len = body.len;
    gt_http_answer(request, &reply);
    free(text);
}

/* The length of the token in @file, its line end cut off; 0 where there is no
 * token. */
static size_t
read_token(const char *file, char token[TOKEN_MAX])
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, token, TOKEN_MAX);
    size_t len = n > 0 && n < TOKEN_MAX ? (size_t)n : 0;

    if (fd >= 0) {
        close(fd);
    }
    while (len > 0 && (token[len - 1] == '\n' || token[len - 1] == '\r')) {
        len--;
    }
    return len;
}

/* Takes as long whatever the difference is, and where. */
static bool
is_same(const char *a, const char *b, size_t len)
{
    volatile unsigned char difference = 0;

    for (size_t i = 0; i < len; i++) {
        difference |= (unsigned char)(a[i] ^ b[i]);
    }
    return difference == 0;
}

static bool
is_allowed(const struct admin_io *admin, const struct gt_http_request *request)
{
    static const char scheme[] = "Bearer ";
    const char *given = gt_http_header(request, "Authorization");
    char token[TOKEN_MAX];
    size_t len = 0;

    if (admin->config.token_file[0] == '\0') {
        return true;
    }
    len = read_token(admin->config.token_file, token);
    if (len == 0 || given == NULL ||
        strncmp(given, scheme, sizeof(scheme) - 1) != 0) {
        return false;
    }
    given += sizeof(scheme) - 1;
    return strlen(given) == len && is_same(given, token, len);
}

static bool
spend(struct admin_io *admin)
{
    uint64_t now_us = gt_clock_wall_us();
    uint64_t earned = (now_us - admin->refilled_us) / REFILL_US;

    admin->refilled_us += earned * REFILL_US;
    admin->budget = earned < ADMIN_IO_BURST - admin->budget
                        ? admin->budget + (unsigned)earned
                        : ADMIN_IO_BURST;
    if (admin->budget == 0) {
        return false;
    }
    admin->budget--;
    return true;
}

static void
forget(void *arg)
{
    struct admin_io *admin = arg;

    admin->waiting = NULL;
    gt_loop_timer_stop(&admin->patience);
}

static void
give_up(void *arg)
{
    struct shrink_answer answer = shrink_refusal(SHRINK_TIMEOUT);

    admin_io_reply(arg, &answer);
}

void
admin_io_reply(struct admin_io *admin, const struct shrink_answer *answer)
{
    struct gt_http_request *request = admin->waiting;

    if (request != NULL) {
        forget(admin);
        answer_shrink(request, answer);
    }
}

static void
post_shrink(struct gt_http_request *request, void *arg)
{
    struct admin_io *admin = arg;
    const char *text = NULL;
    int64_t target_bytes = 0;

    if (!is_allowed(admin, request)) {
        answer_text(request, 401, "the bearer token is missing or wrong\n");
    } else if (gt_http_query(request, "target", &text) != GT_HTTP_OK ||
               shrink_target_decode(text, &target_bytes) != SHRINK_OK) {
        refuse(request, SHRINK_BAD_TARGET);
    } else if (!spend(admin)) {
        refuse(request, SHRINK_RATE_LIMITED);
    } else if (admin->waiting != NULL) {
        refuse(request, SHRINK_BUSY);
    } else {
        admin->waiting = request;
        gt_http_on_gone(request, forget, admin);
        gt_loop_timer_at(&admin->patience,
                         gt_loop_now(admin->loop).mono_ms + WAIT_MS);
        admin->config.proposed(admin->config.arg, target_bytes);
    }
}

static void
get_shrink(struct gt_http_request *request, void *arg)
{
    struct admin_io *admin = arg;
    const struct shrink_answer *last = NULL;

    if (!is_allowed(admin, request)) {
        answer_text(request, 401, "the bearer token is missing or wrong\n");
        return;
    }
    last = admin->config.last(admin->config.arg);
    if (last == NULL) {
        answer_text(request, 204, "");
    } else {
        answer_json(request, 200, last);
    }
}

static const struct gt_http_route routes[] = {
    {"GET", "/healthz", get_healthz, 0},
    {"GET", "/readyz",  get_readyz,  0},
    {"GET", "/metrics", get_metrics, 0},
};

static const struct gt_http_route admin_routes[] = {
    {"POST", "/admin/shrink", post_shrink, 0},
    {"GET",  "/admin/shrink", get_shrink,  0},
};

static bool
listen_both(struct admin_io *admin, struct gt_err *err)
{
    struct gt_http_config config = {
        .listen = admin->config.listen,
        .routes = routes,
        .routes_len = GT_ARRAY_LEN(routes),
        .arg = admin,
        .connections_max = CONNECTIONS_MAX,
        .per_ip_max = PER_IP_MAX,
        .deadline_ms = DEADLINE_MS,
    };

    admin->http = gt_http_new(admin->loop, &config, err);
    if (admin->http == NULL) {
        (void)gt_err_wrap(err, "--listen");
        return false;
    }
    config.listen = admin->config.admin_listen;
    config.routes = admin_routes;
    config.routes_len = GT_ARRAY_LEN(admin_routes);
    config.connections_max = ADMIN_CONNECTIONS;
    admin->admin = gt_http_new(admin->loop, &config, err);
    if (admin->admin == NULL) {
        (void)gt_err_wrap(err, "--admin-listen");
        return false;
    }
    return true;
}

struct admin_io *
admin_io_new(struct gt_loop *loop, const struct admin_io_config *config,
             struct gt_err *err)
{
    struct admin_io *admin = calloc(1, sizeof(*admin));

    if (admin == NULL) {
        (void)gt_err_set(err, -ENOMEM, "no memory");
        return NULL;
    }
    admin->loop = loop;
    admin->config = *config;
    admin->budget = ADMIN_IO_BURST;
    admin->refilled_us = gt_clock_wall_us();
    gt_loop_timer_init(&admin->patience, loop, give_up, admin);
    return listen_both(admin, err) ? admin : admin_io_free(admin);
}

struct admin_io *
admin_io_free(struct admin_io *admin)
{
    if (admin == NULL) {
        return NULL;
    }
    if (admin->admin != NULL) {
        gt_http_free(admin->admin);
    }
    if (admin->http != NULL) {
        gt_http_free(admin->http);
    }
    gt_loop_timer_stop(&admin->patience);
    free(admin);
    return NULL;
}

uint16_t
admin_io_port(const struct admin_io *admin)
{
    return gt_http_port(admin->http);
}

uint16_t
admin_io_admin_port(const struct admin_io *admin)
{
    return gt_http_port(admin->admin);
}
