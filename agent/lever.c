/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/lever.h"

/* The lever of container @index; false where it has none. */
static bool
lever_of(const struct agent *a, size_t index, int64_t limit_bytes,
         struct agent_release *out)
{
    const struct policy *policy = &a->containers[index].policy;

    out->port = policy->release_port;
    out->path = policy->release_path;
    out->limit_bytes = limit_bytes;
    return policy->release == POLICY_RELEASE_HTTP && limit_bytes > 0;
}

void
lever_release(struct agent *a, size_t index, int64_t limit_bytes,
              struct agent_update *update)
{
    if (lever_of(a, index, limit_bytes, &update->release)) {
        update->todo |= AGENT_DO_RELEASE;
    }
}

void
lever_restore(struct agent *a, size_t index, struct agent_update *update)
{
    int64_t limit_bytes = a->pod.containers[index].spec.limits[GT_MEMORY];

    if (lever_of(a, index, limit_bytes, &update->restore)) {
        update->todo |= AGENT_DO_RESTORE;
    }
}
