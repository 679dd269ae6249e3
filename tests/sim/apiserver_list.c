/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/apiserver_state.h"

size_t
apiserver_objects(const struct apiserver *api,
                  const struct apiserver_filter *filter)
{
    return filter->object == APISERVER_PODS ? node_pods(api->config.sim)
                                            : node_nodes(api->config.sim);
}

struct json_object *
apiserver_object_json(const struct apiserver *api,
                      const struct apiserver_filter *filter, size_t index)
{
    return filter->object == APISERVER_PODS ? apiserver_pod_json(api, index)
                                            : apiserver_node_json(api, index);
}

static bool
is_any_or(const char *wanted, const char *text)
{
    return wanted[0] == '\0' || strcmp(wanted, text) == 0;
}

bool
apiserver_selects(const struct apiserver *api,
                  const struct apiserver_filter *filter, size_t index)
{
    struct kube_node node;

    if (filter->none) {
        return false;
    }
    if (filter->object == APISERVER_NODES) {
        node_node_view(api->config.sim, index, &node);
        return is_any_or(filter->name, node.name);
    }
    const struct node_pod_spec *spec = node_pod_spec(api->config.sim, index);
    node_node_view(api->config.sim, spec->node, &node);
    return is_any_or(filter->space, spec->space) &&
           is_any_or(filter->name, spec->name) &&
           is_any_or(filter->node, node.name);
}

static bool
take_pod_term(struct apiserver_filter *filter, const char *key,
              const char *value)
{
    if (strcmp(key, "spec.nodeName") == 0) {
        (void)snprintf(filter->node, sizeof(filter->node), "%s", value);
        return true;
    }
    if (strcmp(key, "metadata.namespace") == 0) {
        (void)snprintf(filter->space, sizeof(filter->space), "%s", value);
        return true;
    }
    filter->none = filter->none || strcmp(value, "Running") != 0;
    return strcmp(key, "status.phase") == 0;
}

/* One "key=value" of a field selector; false: unknown. */
static bool
take_term(struct apiserver_filter *filter, const char *key, const char *value)
{
    if (strcmp(key, "metadata.name") == 0) {
        (void)snprintf(filter->name, sizeof(filter->name), "%s", value);
        return true;
    }
    return filter->object == APISERVER_PODS &&
           take_pod_term(filter, key, value);
}

/* False where the answer has been sent. */
static bool
take_selector(struct apiserver_call *call, struct apiserver_filter *filter,
              const char *selector)
{
    char message[2 * KUBE_NAME_MAX];
    char key[KUBE_NAME_MAX];
    char value[KUBE_NAME_MAX];

    while (*selector != '\0') {
        size_t len = strcspn(selector, ",");
        size_t equals = strcspn(selector, ",=");
        size_t from = equals + strspn(selector + equals, "=");
        (void)snprintf(key, sizeof(key), "%.*s", (int)equals, selector);
        (void)snprintf(value, sizeof(value), "%.*s",
                       from < len ? (int)(len - from) : 0, selector + from);
        if (!take_term(filter, key, value)) {
            (void)snprintf(message, sizeof(message),
                           "field label not supported: %s", key);
            apiserver_refuse(call, 400, "BadRequest", message);
            return false;
        }
        selector += len + (selector[len] == ',' ? 1 : 0);
    }
    return true;
}

static bool
take_selectors(struct apiserver_call *call, struct apiserver_filter *filter)
{
    const char *const *parameters = call->request->parameters;

    if (parameters[APISERVER_LABEL_SELECTOR] != NULL) {
        apiserver_refuse(call, 400, "BadRequest",
                         "label selectors are not served here");
        return false;
    }
    return parameters[APISERVER_FIELD_SELECTOR] == NULL ||
           take_selector(call, filter, parameters[APISERVER_FIELD_SELECTOR]);
}

/* A whole number; false where it is none. */
bool
apiserver_number(const char *text, uint64_t *out)
{
    char *end;

    *out = strtoull(text, &end, 10);
    return strspn(text, "0123456789") > 0 && *end == '\0';
}

static void
refuse_future(struct apiserver_call *call, const char *text)
{
    struct apiserver_status s = {
        .code = 504,
        .reason = "Timeout",
        .name = "",
        .kind = "",
        .details = true,
        .causes_len = 1,
        .causes = {{"ResourceVersionTooLarge", "Too large resource version",
                    ""}},
        .retry_after_s = 1,
    };

    (void)snprintf(s.message, sizeof(s.message),
                   "Timeout: Too large resource version: %s, current: %" PRIu64,
                   text, node_version(call->api->config.sim));
    apiserver_send_status(call, &s);
}

/* Of LIST: a version that is none, or not yet.  False: answered. */
static bool
check_version(struct apiserver_call *call)
{
    const char *text = call->request->parameters[APISERVER_RESOURCE_VERSION];
    char message[2 * KUBE_NAME_MAX];
    uint64_t version;

    if (text == NULL) {
        return true;
    }
    if (!apiserver_number(text, &version)) {
        (void)snprintf(message, sizeof(message),
                       "invalid resource version: resourceVersion: Invalid "
                       "value: \"%s\": strconv.ParseUint: parsing \"%s\": "
                       "invalid syntax",
                       text, text);
        apiserver_refuse(call, 400, "BadRequest", message);
        return false;
    }
    if (version > node_version(call->api->config.sim)) {
        refuse_future(call, text);
        return false;
    }
    return true;
}

/* Where a page begins, of which version, and how long it may be. */
struct page {
    uint64_t start;
    uint64_t version;
    uint64_t limit; /* 0: no limit */
};

bool
apiserver_is_expired(const struct apiserver *api, uint64_t version)
{
    return version + api->config.history < node_version(api->config.sim);
}

static void
refuse_token(struct apiserver_call *call, const struct page *page)
{
    char fresh[64];
    struct apiserver_status s = {
        .code = 410,
        .reason = "Expired",
        .name = "",
        .kind = "",
        .resume = fresh,
    };

    (void)snprintf(fresh, sizeof(fresh), "%" PRIu64 ".%" PRIu64, page->start,
                   node_version(call->api->config.sim));
    (void)snprintf(s.message, sizeof(s.message),
                   "The provided continue parameter is too old to display a "
                   "consistent list result. You can start a new list without "
                   "the continue parameter, or use the continue token in this "
                   "response to retrieve the remainder of the results.");
    apiserver_send_status(call, &s);
}

/* The token is "START.VERSION". */
static bool
take_token(const char *token, struct page *page)
{
    char start[32];
    size_t len = strcspn(token, ".");

    (void)snprintf(start, sizeof(start), "%.*s", (int)len, token);
    return token[len] == '.' && len < sizeof(start) &&
           apiserver_number(start, &page->start) &&
           apiserver_number(token + len + 1, &page->version);
}

/* False where the answer has been sent. */
static bool
take_page(struct apiserver_call *call, struct page *page)
{
    const char *limit = call->request->parameters[APISERVER_LIMIT];
    const char *token = call->request->parameters[APISERVER_CONTINUE];

    *page = (struct page){.version = node_version(call->api->config.sim)};
    if (limit != NULL && !apiserver_number(limit, &page->limit)) {
        apiserver_refuse(call, 400, "BadRequest", "limit: no number");
        return false;
    }
    if (token == NULL) {
        return true;
    }
    if (!take_token(token, page)) {
        apiserver_refuse(call, 400, "BadRequest",
                         "continue key is not valid: malformed token");
        return false;
    }
    if (apiserver_is_expired(call->api, page->version)) {
        refuse_token(call, page);
        return false;
    }
    return true;
}

/* Items carry no kind of their own. */
static void
append_item(struct json_object *items, struct json_object *takes)
{
    json_object_object_del(takes, "kind");
    json_object_object_del(takes, "apiVersion");
    json_object_array_add(items, takes);
}

/* Adds the page's items; returns where the next page starts, 0: none does. */
static size_t
add_items(const struct apiserver *api, const struct apiserver_filter *filter,
          const struct page *page, struct json_object *items)
{
    size_t len = apiserver_objects(api, filter);

    for (size_t i = page->start; i < len; i++) {
        if (!apiserver_selects(api, filter, i)) {
            continue;
        }
        if (page->limit > 0 && json_object_array_length(items) == page->limit) {
            return i;
        }
        append_item(items, apiserver_object_json(api, filter, i));
    }
    return 0;
}

static void
send_list(struct apiserver_call *call, const struct apiserver_filter *filter)
{
    struct page page;
    char text[64];

    if (!check_version(call) || !take_page(call, &page)) {
        return;
    }
    struct json_object *list = json_object_new_object();
    struct json_object *metadata = json_object_new_object();
    struct json_object *items = json_object_new_array();
    size_t next = add_items(call->api, filter, &page, items);
    apiserver_put_text(list, "kind",
                       filter->object == APISERVER_PODS ? "PodList"
                                                        : "NodeList");
    apiserver_put_text(list, "apiVersion", "v1");
    (void)snprintf(text, sizeof(text), "%" PRIu64, page.version);
    apiserver_put_text(metadata, "resourceVersion", text);
    if (next > 0) {
        (void)snprintf(text, sizeof(text), "%zu.%" PRIu64, next, page.version);
        apiserver_put_text(metadata, "continue", text);
    }
    json_object_object_add(list, "metadata", metadata);
    json_object_object_add(list, "items", items);
    apiserver_send(call, 200, list);
}

void
apiserver_collection(struct apiserver_call *call,
                     struct apiserver_filter *filter)
{
    if (!take_selectors(call, filter)) {
        return;
    }
    if (apiserver_flag(call, APISERVER_WATCH)) {
        apiserver_open_watch(call, filter);
    } else {
        send_list(call, filter);
    }
}
