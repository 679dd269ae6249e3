/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte of an input says how to read the rest. */
#include "proto/kube.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a pod asks for can be asked for again. */
static void
check_pod(const struct kube_pod *pod)
{
    static char memory[16384];
    struct kube_patch patch = {.changes_len = pod->containers_len};
    struct gt_buf body;

    for (size_t i = 0; i < pod->containers_len; i++) {
        patch.changes[i].to = pod->containers[i].spec;
    }
    gt_buf_init(&body, memory, sizeof(memory));
    kube_patch_encode(&patch, &body);
    if (body.overflow || kube_pod_request(pod, GT_CPU) < 0 ||
        kube_pod_request(pod, GT_MEMORY) < 0) {
        abort();
    }
    (void)kube_pod_settled(pod, pod->generation); /* must not crash */
}

static void
read_answer(int status, const char *bytes, size_t len)
{
    static struct kube_answer answer;

    kube_answer_decode(&answer, status, bytes, len);
    if (strlen(answer.message) >= sizeof(answer.message)) {
        abort();
    }
    if (answer.outcome == KUBE_APPLIED) {
        check_pod(&answer.pod);
    }
}

static void
read_list(enum kube_object object, const char *bytes, size_t len)
{
    static struct kube_watch_event event;
    enum kube_decode why;
    struct kube_list *list = kube_list_open(object, bytes, len, &why);

    if (list == NULL) {
        return;
    }
    for (size_t i = 0; i < kube_list_len(list); i++) {
        if (kube_list_item(list, i, &event) == KUBE_OK &&
            object == KUBE_OBJECT_POD) {
            check_pod(&event.pod);
        }
    }
    kube_list_free(list);
}

static void
read_watch(enum kube_object object, const char *bytes, size_t len)
{
    static struct kube_watch_event event;

    if (kube_watch_decode(&event, object, bytes, len) == KUBE_OK &&
        object == KUBE_OBJECT_POD && event.kind <= KUBE_WATCH_DELETED) {
        check_pod(&event.pod);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct kube_pod pod;
    static const int statuses[] = {0, 200, 400, 401, 403, 404, 409, 422, 429};
    const char *bytes = (const char *)data + 1;

    if (size < 1) {
        return 0;
    }
    switch (data[0]) {
    case 'l':
        read_list(KUBE_OBJECT_POD, bytes, size - 1);
        break;
    case 'L':
        read_list(KUBE_OBJECT_NODE, bytes, size - 1);
        break;
    case 'w':
        read_watch(KUBE_OBJECT_POD, bytes, size - 1);
        break;
    case 'W':
        read_watch(KUBE_OBJECT_NODE, bytes, size - 1);
        break;
    case 'p':
        if (kube_pod_decode(&pod, bytes, size - 1) == KUBE_OK) {
            check_pod(&pod);
        }
        break;
    default:
        read_answer(statuses[data[0] % GT_ARRAY_LEN(statuses)], bytes,
                    size - 1);
    }
    return 0;
}
