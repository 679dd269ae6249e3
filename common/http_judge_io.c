/* SPDX-License-Identifier: Apache-2.0 */
#include "common/http_request_io.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/buf.h"

/* What the headers say about the body. */
struct framing {
    int lengths, encodings;
    bool odd; /* an encoding other than chunked */
};

static enum MHD_Result
note_framing(void *arg, enum MHD_ValueKind kind, const char *key,
             const char *value)
{
    struct framing *framing = arg;

    (void)kind;
    if (strcasecmp(key, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) {
        framing->lengths++;
    } else if (strcasecmp(key, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
        framing->encodings++;
        framing->odd = value == NULL || strcasecmp(value, "chunked") != 0;
    }
    return MHD_YES;
}

/* Two parties could disagree on where this request ends. */
static bool
is_ambiguous(const struct gt_http_request *request)
{
    struct framing framing = {0};

    (void)MHD_get_connection_values(request->mhd, MHD_HEADER_KIND, note_framing,
                                    &framing);
    return framing.lengths + framing.encodings > 1 || framing.odd;
}

static bool
fits_path(const struct gt_http_route *route, const char *path)
{
    size_t len = strlen(route->path);

    if (len >= 2 && strcmp(route->path + len - 2, "/*") == 0) {
        return strncmp(route->path, path, len - 1) == 0;
    }
    return strcmp(route->path, path) == 0;
}

static bool
fits_method(const struct gt_http_route *route, const char *method)
{
    return strcmp(route->method, method) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

/* Finds the route; or says in @allow what methods the path has. */
static const struct gt_http_route *
find_route(const struct gt_http_request *request, struct gt_buf *allow)
{
    const struct gt_http_config *config = request->connection->config;

    for (size_t i = 0; i < config->routes_len; i++) {
        const struct gt_http_route *route = &config->routes[i];
        if (!fits_path(route, request->path)) {
            continue;
        }
        if (fits_method(route, request->method)) {
            return route;
        }
        if (strstr(allow->data, route->method) == NULL) {
            gt_buf_format(allow, "%s%s", allow->len > 0 ? ", " : "",
                          route->method);
        }
    }
    return NULL;
}

void
http_request_refuse(struct gt_http_request *request, unsigned status,
                    const char *text, const char *allow)
{
    gt_http_answer(request,
                   &(struct gt_http_reply){
                       .status = status,
                       .body = text,
                       .len = strlen(text),
                       .headers = {{allow == NULL ? NULL : "Allow", allow}},
                   });
}

static bool
announces_too_much(const struct gt_http_request *request)
{
    const char *length =
        gt_http_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);

    return length != NULL &&
           strtoull(length, NULL, 10) > request->route->body_max_bytes;
}

void
http_request_judge(struct gt_http_request *request)
{
    char memory[128];
    struct gt_buf allow;

    gt_buf_init(&allow, memory, sizeof(memory));
    request->route = find_route(request, &allow);
    if (request->malformed || is_ambiguous(request)) {
        http_request_refuse(request, MHD_HTTP_BAD_REQUEST,
                            "malformed request\n", NULL);
    } else if (request->route == NULL && allow.len > 0) {
        http_request_refuse(request, MHD_HTTP_METHOD_NOT_ALLOWED,
                            "method not allowed\n", allow.data);
    } else if (request->route == NULL) {
        http_request_refuse(request, MHD_HTTP_NOT_FOUND, "not found\n", NULL);
    } else if (announces_too_much(request)) {
        http_request_refuse(request, MHD_HTTP_CONTENT_TOO_LARGE,
                            "body too large\n", NULL);
    }
}
