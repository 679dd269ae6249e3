/* SPDX-License-Identifier: Apache-2.0 */
#include "common/client_call_io.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_MAX          16384
#define CONNECT_MS         5000L
#define TIMEOUT_DEFAULT_MS 10000U
#define BODY_DEFAULT_BYTES ((size_t)1 << 20)
#define ANSWER_FIRST_BYTES 4096

static char *
copy_of(const char *text)
{
    return text != NULL ? strdup(text) : NULL;
}

static char *
joined(const char *a, const char *b)
{
    char *text = NULL;

    return asprintf(&text, "%s%s", a, b) >= 0 ? text : NULL;
}

struct gt_client_call *
gt_client_call_new(const char *base_url,
                   const struct gt_client_request *request)
{
    struct gt_client_call *call = calloc(1, sizeof(*call));

    if (call == NULL) {
        return NULL;
    }
    call->url = joined(base_url, request->path);
    call->path = call->url == NULL ? NULL : call->url + strlen(base_url);
    call->method = copy_of(request->method);
    call->content_type = copy_of(request->content_type);
    call->accept = copy_of(request->accept);
    call->len = request->len;
    call->body = malloc(request->len + 1);
    call->timeout_ms = request->timeout_ms;
    if (call->timeout_ms == 0 && request->line == NULL) {
        call->timeout_ms = TIMEOUT_DEFAULT_MS;
    }
    call->body_max_bytes = request->body_max_bytes != 0
                               ? request->body_max_bytes
                               : BODY_DEFAULT_BYTES;
    call->idempotent = request->idempotent;
    call->done = request->done;
    call->line = request->line;
    call->arg = request->arg;
    if (call->url == NULL || call->method == NULL || call->body == NULL ||
        (request->content_type != NULL && call->content_type == NULL) ||
        (request->accept != NULL && call->accept == NULL)) {
        gt_client_call_free(call);
        return NULL;
    }
    if (request->len > 0) {
        memcpy(call->body, request->body, request->len);
    }
    return call;
}

static void
forget_attempt(struct gt_client_call *call)
{
    curl_slist_free_all(call->headers);
    call->headers = NULL;
    curl_easy_cleanup(call->easy);
    call->easy = NULL;
    free(call->answer);
    call->answer = NULL;
    call->answer_len = 0;
    call->answer_size = 0;
    call->too_long = false;
}

void
gt_client_call_free(struct gt_client_call *call)
{
    forget_attempt(call);
    free(call->url);
    free(call->method);
    free(call->content_type);
    free(call->accept);
    free(call->body);
    free(call);
}

static bool
keep(struct gt_client_call *call, const char *bytes, size_t len)
{
    size_t size =
        call->answer_size != 0 ? call->answer_size : ANSWER_FIRST_BYTES;
    char *bigger;

    if (len > call->body_max_bytes - call->answer_len) {
        call->too_long = true;
        return false;
    }
    while (size < call->answer_len + len + 1) {
        size *= 2;
    }
    if (size != call->answer_size) {
        bigger = realloc(call->answer, size);
        if (bigger == NULL) {
            return false;
        }
        call->answer = bigger;
        call->answer_size = size;
    }
    memcpy(call->answer + call->answer_len, bytes, len);
    call->answer_len += len;
    call->answer[call->answer_len] = '\0';
    return true;
}

/* Hands out every line that is complete. */
static bool
split(struct gt_client_call *call, const char *bytes, size_t len)
{
    const char *end;

    while ((end = memchr(bytes, '\n', len)) != NULL) {
        size_t part = (size_t)(end - bytes);

        if (!keep(call, bytes, part)) {
            return false;
        }
        call->line(call->arg, call->answer, call->answer_len);
        call->answer_len = 0;
        if (call->cancelled) {
            return false;
        }
        bytes += part + 1;
        len -= part + 1;
    }
    return keep(call, bytes, len);
}

static size_t
receive(char *bytes, size_t one, size_t len, void *arg)
{
    struct gt_client_call *call = arg;
    long status = 0;
    bool good;

    (void)one; /* always 1 */
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    good = call->line != NULL && status / 100 == 2 ? split(call, bytes, len)
                                                   : keep(call, bytes, len);
    return good && !call->cancelled ? len : 0;
}

static int
say(struct gt_client_call *call, int code, const char *what, const char *where)
{
    snprintf(call->error, sizeof(call->error), "%s %s: %s", what, where,
             strerror(code));
    return -code;
}

/* Reads the bearer token; a rotated one is another file of the same name. */
static int
read_token(struct gt_client_call *call, const char *path, char *token)
{
    FILE *file = fopen(path, "re");
    size_t len;

    if (file == NULL) {
        return say(call, errno, "cannot read the token file", path);
    }
    len = fread(token, 1, TOKEN_MAX, file);
    fclose(file);
    while (len > 0 && (token[len - 1] == '\n' || token[len - 1] == ' ')) {
        len--;
    }
    token[len < TOKEN_MAX ? len : 0] = '\0';
    if (token[0] == '\0' || token[strcspn(token, "\r\n")] != '\0') {
        return say(call, EINVAL, "no token is in the file", path);
    }
    return 0;
}

static int
add_header(struct gt_client_call *call, const char *name, const char *value)
{
    char *text = joined(name, value);
    struct curl_slist *list =
        text != NULL ? curl_slist_append(call->headers, text) : NULL;

    free(text);
    if (list == NULL) {
        return say(call, ENOMEM, "cannot ask", call->url);
    }
    call->headers = list;
    return 0;
}

static int
add_headers(struct gt_client_call *call, const char *token_file)
{
    char token[TOKEN_MAX];
    int error = add_header(call, "Expect:", "");

    if (error == 0 && call->content_type != NULL) {
        error = add_header(call, "Content-Type: ", call->content_type);
    }
    if (error == 0 && call->accept != NULL) {
        error = add_header(call, "Accept: ", call->accept);
    }
    if (error == 0 && token_file != NULL) {
        error = read_token(call, token_file, token);
        if (error == 0) {
            error = add_header(call, "Authorization: Bearer ", token);
        }
        explicit_bzero(token, sizeof(token));
    }
    return error;
}

static void
set_timeouts(struct gt_client_call *call)
{
    curl_easy_setopt(call->easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    if (call->line == NULL) {
        curl_easy_setopt(call->easy, CURLOPT_TIMEOUT_MS,
                         (long)call->timeout_ms);
    } else if (call->timeout_ms != 0) {
        curl_easy_setopt(call->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(call->easy, CURLOPT_LOW_SPEED_TIME,
                         (long)(call->timeout_ms + 999) / 1000);
    }
}

static void
set_what(struct gt_client_call *call)
{
    curl_easy_setopt(call->easy, CURLOPT_URL, call->url);
    if (strcmp(call->method, "GET") != 0) {
        curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, call->body);
        curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE, (long)call->len);
        curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, call->method);
    }
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
    curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(call->easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(call->easy, CURLOPT_ERRORBUFFER, call->error);
}

static void
set_how(struct gt_client_call *call, const char *ca_file,
        const char *unix_socket)
{
    curl_easy_setopt(call->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(call->easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(call->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(call->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(call->easy, CURLOPT_CAPATH, NULL);
    if (ca_file != NULL) {
        curl_easy_setopt(call->easy, CURLOPT_CAINFO, ca_file);
    }
    if (unix_socket != NULL) {
        curl_easy_setopt(call->easy, CURLOPT_UNIX_SOCKET_PATH, unix_socket);
    }
}

int
gt_client_call_prepare(struct gt_client_call *call, const char *ca_file,
                       const char *token_file, const char *unix_socket)
{
    int error;

    forget_attempt(call);
    call->error[0] = '\0';
    call->easy = curl_easy_init();
    if (call->easy == NULL) {
        return say(call, ENOMEM, "cannot ask", call->url);
    }
    if (call->path[0] != '/') { /* it would belong to the host's name */
        return say(call, EINVAL, "cannot ask for the path", call->path);
    }
    error = add_headers(call, token_file);
    if (error == 0) {
        set_what(call);
        set_how(call, ca_file, unix_socket);
        set_timeouts(call);
    }
    return error;
}
