/* SPDX-License-Identifier: Apache-2.0 */
/* What was read is written and read again as the same amount. */
#include "proto/quantity.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[256];
    char memory[32];
    int64_t amount;
    int64_t again;

    if (size >= sizeof(text)) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    (void)quantity_target_decode(text, &amount);
    for (int r = GT_CPU; r <= GT_MEMORY; r++) {
        enum gt_resource resource = (enum gt_resource)r;
        if (quantity_decode(resource, text, &amount) != QUANTITY_OK) {
            continue;
        }
        struct gt_buf out;
        gt_buf_init(&out, memory, sizeof(memory));
        quantity_encode(resource, amount, &out);
        assert(amount >= 0 && !out.overflow);
        assert(quantity_decode(resource, out.data, &again) == QUANTITY_OK);
        assert(again == amount);
    }
    return 0;
}
