// SPDX-License-Identifier: Apache-2.0
#include "model.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Hand memory over to the policy; freed if it cannot be. */
static void *policy_take(struct policy *policy, void *memory)
{
	void **grown;

	if (!memory)
		return NULL;
	grown = reallocarray(policy->kept, policy->n_kept + 1, sizeof(*grown));
	if (!grown) {
		free(memory);
		return NULL;
	}
	policy->kept = grown;
	grown[policy->n_kept++] = memory;
	return memory;
}

const char *model_keep(struct policy *policy, const char *string)
{
	return policy_take(policy, strdup(string));
}

void *model_keep_array(struct policy *policy, size_t n, size_t size)
{
	return policy_take(policy, calloc(n ? n : 1, size));
}

static void rule_free(struct rule *rule)
{
	free(rule->limits);
	for (size_t i = 0; i < rule->n_redact; i++)
		path_free(&rule->redact[i]);
	free(rule->redact);
}

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	for (size_t i = 0; i < policy->n_tools; i++)
		rule_free(&policy->tools[i]);
	rule_free(&policy->all_tools);
	free(policy->tools);
	free(policy->hide);
	for (size_t i = 0; i < policy->n_egress; i++)
		predicates_free(policy->egress[i].deny_body, policy->egress[i].n_deny_body);
	for (size_t i = 0; i < policy->n_kept; i++)
		free(policy->kept[i]);
	free(policy->kept);
	free(policy);
}

bool model_tool_name_is_sound(const char *name)
{
	static const char accepted[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				       "0123456789_.-";
	size_t n = strspn(name, accepted);

	return n >= 1 && n <= POLICY_TOOL_MAX && !name[n];
}

static int compare_name(const void *key, const void *element)
{
	const struct rule *rule = element;

	return strcmp(key, rule->name);
}

const struct rule *model_find_tool(const struct policy *policy, const char *tool)
{
	if (!policy->n_tools)
		return NULL;
	return bsearch(tool, policy->tools, policy->n_tools, sizeof(*policy->tools), compare_name);
}

size_t policy_tool_count(const struct policy *policy)
{
	return policy->n_tools;
}

size_t policy_server_count(const struct policy *policy)
{
	(void)policy; /* each policy has the one, if only by default */
	return 1;
}

const struct policy_server *policy_server_at(const struct policy *policy, size_t i)
{
	(void)i;
	return &policy->server;
}

const struct policy_server *policy_server_find(const struct policy *policy, const char *host,
					       uint16_t port)
{
	const struct policy_server *server = &policy->server;

	return server->port == port && !strcmp(server->host, host) ? server : NULL;
}

const uint8_t *policy_sha256(const struct policy *policy)
{
	return policy->sha256;
}

const struct policy_environment *policy_environment(const struct policy *policy)
{
	return &policy->environment;
}

const struct policy_names *policy_sockets(const struct policy *policy)
{
	return &policy->sockets;
}

const struct policy_jail *policy_jail(const struct policy *policy)
{
	return &policy->jail;
}

const struct policy_filesystem *policy_filesystem(const struct policy *policy)
{
	return &policy->filesystem;
}
