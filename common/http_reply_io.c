/* SPDX-License-Identifier: Apache-2.0 */
#include "common/http_request_io.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 16384 /* asked from a stream at once */

bool
http_bytes_add(struct http_bytes *bytes, const char *data, size_t len,
               size_t max)
{
    if (len > max || bytes->len > max - len) {
        return false;
    }
    if (bytes->start + bytes->len + len + 1 > bytes->size) {
        size_t size = 2 * (bytes->len + len) + 1;
        char *moved = malloc(size);
        if (moved == NULL) {
            return false;
        }
        if (bytes->len > 0) {
            memcpy(moved, bytes->data + bytes->start, bytes->len);
        }
        free(bytes->data);
        *bytes = (struct http_bytes){moved, 0, bytes->len, size};
    }
    memcpy(bytes->data + bytes->start + bytes->len, data, len);
    bytes->len += len;
    bytes->data[bytes->start + bytes->len] = '\0';
    return true;
}

static size_t
take(struct http_bytes *bytes, char *out, size_t max)
{
    size_t len = bytes->len < max ? bytes->len : max;

    memcpy(out, bytes->data + bytes->start, len);
    bytes->start += len;
    bytes->len -= len;
    if (bytes->len == 0) {
        free(bytes->data);
        *bytes = (struct http_bytes){0};
    }
    return len;
}

/* Gives @response, which may be NULL for no memory, the headers of @reply. */
static void
attach(struct gt_http_request *request, struct MHD_Response *response,
       const struct gt_http_reply *reply)
{
    enum MHD_Result ok = response != NULL ? MHD_YES : MHD_NO;
    const char *type = reply->content_type;

    if (ok == MHD_YES) {
        ok = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                     type == NULL ? "text/plain" : type);
    }
    for (size_t i = 0; ok == MHD_YES && i < GT_HTTP_HEADERS_MAX; i++) {
        if (reply->headers[i].name == NULL) {
            break;
        }
        ok = MHD_add_response_header(response, reply->headers[i].name,
                                     reply->headers[i].value);
    }
    if (ok != MHD_YES && response != NULL) {
        MHD_destroy_response(response);
        response = NULL;
    }
    request->status = reply->status;
    request->response = response;
    request->cut = request->cut || response == NULL;
    http_request_resume(request);
}

void
gt_http_answer(struct gt_http_request *request,
               const struct gt_http_reply *reply)
{
    /* It copies what it is given, and does not write to it. */
    union {
        const char *from;
        void *to;
    } body = {.from = reply->body};

    request->held = false;
    attach(request,
           MHD_create_response_from_buffer(reply->len, body.to,
                                           MHD_RESPMEM_MUST_COPY),
           reply);
}

/* microhttpd wants up to @max bytes of the stream's next. */
static ssize_t
read_stream(void *arg, uint64_t pos, char *out, size_t max)
{
    struct gt_http_request *request = arg;

    (void)pos;
    if (request->cut) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (request->queue.len > 0) {
        return (ssize_t)take(&request->queue, out, max);
    }
    if (request->end) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    MHD_suspend_connection(request->mhd);
    request->suspended = true;
    return 0;
}

void
gt_http_stream_begin(struct gt_http_request *request,
                     const struct gt_http_reply *reply)
{
    request->stream = true;
    if (reply->len > 0 && !http_bytes_add(&request->queue, reply->body,
                                          reply->len, SIZE_MAX / 4)) {
        request->cut = true;
    }
    http_request_watch(request);
    attach(request,
           MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES,
                                             read_stream, request, NULL),
           reply);
}

enum gt_http_outcome
gt_http_stream_write(struct gt_http_request *request, const char *data,
                     size_t len)
{
    if (!http_bytes_add(&request->queue, data, len, GT_HTTP_STREAM_MAX_BYTES)) {
        return GT_HTTP_E_OVERFLOW;
    }
    http_request_resume(request);
    return GT_HTTP_OK;
}

void
gt_http_stream_end(struct gt_http_request *request)
{
    request->held = false;
    request->end = true;
    http_connection_arm(request->connection);
    http_request_resume(request);
}

const char *
gt_http_method(const struct gt_http_request *request)
{
    return request->method;
}

const char *
gt_http_path(const struct gt_http_request *request)
{
    return request->path;
}

const char *
gt_http_header(const struct gt_http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->mhd, MHD_HEADER_KIND, name);
}

const char *
gt_http_body(const struct gt_http_request *request, size_t *len)
{
    *len = request->body.len;
    return request->body.data == NULL ? "" : request->body.data;
}

/* A parameter looked for, and what was found. */
struct parameter {
    const char *name, *value;
    int count;
};

static enum MHD_Result
note_parameter(void *arg, enum MHD_ValueKind kind, const char *key,
               const char *value)
{
    struct parameter *parameter = arg;

    (void)kind;
    if (strcmp(key, parameter->name) == 0) {
        parameter->value = value == NULL ? "" : value;
        parameter->count++;
    }
    return MHD_YES;
}

enum gt_http_outcome
gt_http_query(const struct gt_http_request *request, const char *name,
              const char **value)
{
    struct parameter parameter = {.name = name};

    (void)MHD_get_connection_values(request->mhd, MHD_GET_ARGUMENT_KIND,
                                    note_parameter, &parameter);
    if (parameter.count != 1) {
        return parameter.count == 0 ? GT_HTTP_E_MISSING : GT_HTTP_E_REPEATED;
    }
    *value = parameter.value;
    return GT_HTTP_OK;
}

void
gt_http_on_gone(struct gt_http_request *request, void (*gone)(void *arg),
                void *arg)
{
    request->gone = gone;
    request->gone_arg = arg;
}
