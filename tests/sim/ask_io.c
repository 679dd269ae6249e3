/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/ask_io.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

uint64_t
ask_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void
ask_pause_ms(unsigned ms)
{
    struct timespec pause = {ms / 1000, (long)(ms % 1000) * 1000000};

    nanosleep(&pause, NULL);
}

struct body {
    char *bytes;
    size_t size, len;
};

static size_t
take(char *bytes, size_t one, size_t len, void *arg)
{
    struct body *body = arg;
    size_t room = body->size > 0 ? body->size - 1 - body->len : 0;
    size_t part = len < room ? len : room;

    (void)one; /* always 1 */
    if (part > 0) {
        memcpy(body->bytes + body->len, bytes, part);
        body->len += part;
        body->bytes[body->len] = '\0';
    }
    return len;
}

static int
perform(uint16_t port, const char *path, bool post, struct body *body)
{
    CURL *curl = curl_easy_init();
    char url[512];
    long status = 0;

    if (curl == NULL) {
        return 0;
    }
    snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", port, path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 60000L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    if (post) {
        curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, "");
    }
    if (curl_easy_perform(curl) == CURLE_OK) {
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    }
    curl_easy_cleanup(curl);
    return (int)status;
}

int
ask_get(uint16_t port, const char *path, char *body, size_t size)
{
    struct body out = {0};

    out.bytes = body;
    out.size = body != NULL ? size : 0;

    return perform(port, path, false, &out);
}

int
ask_post(uint16_t port, const char *path, char *body, size_t size)
{
    struct body out = {0};

    out.bytes = body;
    out.size = body != NULL ? size : 0;

    return perform(port, path, true, &out);
}
