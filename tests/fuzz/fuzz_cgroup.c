/* SPDX-License-Identifier: Apache-2.0 */
/* One input is all files of a container, separated by the byte 0. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cgroup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next text of the input; NULL at its end. */
static const char *
next(char **at, const char *end)
{
    const char *text = *at;

    if (*at >= end) {
        return NULL;
    }
    *at += strlen(*at) + 1;
    return text;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cgroup_sample sample;
    struct cgroup_texts texts;
    char *copy = NULL;
    char *at = NULL;

    if (size < 1) {
        return 0;
    }
    copy = malloc(size);
    if (copy == NULL) {
        return 0;
    }
    memcpy(copy, data + 1, size - 1);
    copy[size - 1] = '\0';
    at = copy;
    texts.version = data[0] % 2 ? CGROUP_V1 : CGROUP_V2;
    texts.cpu_stat = next(&at, copy + size);
    texts.cpu_usage = next(&at, copy + size);
    texts.cpu_pressure = next(&at, copy + size);
    texts.memory_current = next(&at, copy + size);
    texts.memory_stat = next(&at, copy + size);
    texts.memory_events = next(&at, copy + size);
    if (cgroup_parse(&sample, &texts) == CGROUP_OK &&
        (cgroup_floor_bytes(&sample) < 0 ||
         cgroup_floor_bytes(&sample) > cgroup_working_set_bytes(&sample) ||
         cgroup_working_set_bytes(&sample) > sample.memory_bytes)) {
        abort();
    }
    free(copy);
    return 0;
}
