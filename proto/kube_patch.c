/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/field.h"
#include "proto/kube.h"
#include "proto/quantity.h"

static void
add_amounts(struct gt_buf *buf, const char *key,
            const int64_t amounts[GT_RESOURCES])
{
    if (amounts[GT_CPU] == KUBE_ABSENT && amounts[GT_MEMORY] == KUBE_ABSENT) {
        return;
    }
    field_add_open(buf, key, '{');
    for (unsigned r = 0; r < GT_RESOURCES; r++) {
        char text[32];
        struct gt_buf quantity;
        if (amounts[r] == KUBE_ABSENT) {
            continue;
        }
        if (amounts[r] < 0) {
            buf->overflow = true;
        }
        gt_buf_init(&quantity, text, sizeof(text));
        quantity_encode(r, amounts[r], &quantity);
        field_add_text(buf, gt_resource_name(r), text);
    }
    field_add_close(buf, '}');
}

static void
add_change(struct gt_buf *buf, const struct kube_change *change)
{
    field_add_open(buf, NULL, '{');
    field_add_text(buf, "name", change->name);
    field_add_open(buf, "resources", '{');
    add_amounts(buf, "requests", change->to.requests);
    add_amounts(buf, "limits", change->to.limits);
    field_add_close(buf, '}');
    field_add_close(buf, '}');
}

void
kube_patch_encode(const struct kube_patch *patch, struct gt_buf *out)
{
    struct gt_buf part = gt_buf_fork(out);

    field_add_open(&part, NULL, '{');
    if (patch->uid[0] != '\0') {
        field_add_open(&part, "metadata", '{');
        field_add_text(&part, "uid", patch->uid);
        field_add_close(&part, '}');
    }
    if (patch->changes_len > 0) {
        field_add_open(&part, "spec", '{');
        field_add_open(&part, "containers", '[');
        for (size_t i = 0; i < patch->changes_len; i++) {
            add_change(&part, &patch->changes[i]);
        }
        field_add_close(&part, ']');
        field_add_close(&part, '}');
    }
    field_add_close(&part, '}');
    gt_buf_join(out, &part);
}
