// SPDX-License-Identifier: Apache-2.0
#include "model.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/*
 * What lives as long as the policy is cut from blocks: a large policy is made of very many small
 * pieces, and most of the time of loading one was malloc's.
 */
#define BLOCK_BYTES 65536
#define PIECE_MAX   (BLOCK_BYTES / 8) /* a larger one has a block of its own */
#define ALIGNED(n)  (((n) + 15) & ~(size_t)15)

struct model_block {
	struct model_block *next;
	size_t used, size;
	_Alignas(16) char bytes[];
};

static struct model_block *block_new(struct policy *policy, size_t size)
{
	struct model_block *block = calloc(1, sizeof(*block) + size);

	if (!block)
		return NULL;
	block->size = size;
	block->next = policy->blocks;
	policy->blocks = block;
	return block;
}

/* Return: zeroed; NULL if memory is short */
static void *take(struct policy *policy, size_t n)
{
	struct model_block *block = policy->blocks;
	size_t bytes = ALIGNED(n ? n : 1);

	if (bytes < n)
		return NULL;
	if (!block || block->size - block->used < bytes)
		block = block_new(policy, bytes > PIECE_MAX ? bytes : BLOCK_BYTES);
	if (!block)
		return NULL;
	block->used += bytes;
	return block->bytes + block->used - bytes;
}

const char *model_keep(struct policy *policy, const char *string)
{
	size_t n = strlen(string) + 1;
	char *kept = take(policy, n);

	return kept ? memcpy(kept, string, n) : NULL;
}

void *model_keep_array(struct policy *policy, size_t n, size_t size)
{
	size_t bytes;

	return __builtin_mul_overflow(n, size, &bytes) ? NULL : take(policy, bytes);
}

static void blocks_free(struct model_block *block)
{
	while (block) {
		struct model_block *next = block->next;

		free(block);
		block = next;
	}
}

static void rule_free(struct rule *rule)
{
	free(rule->limits);
	for (size_t i = 0; i < rule->n_redact; i++)
		path_free(&rule->redact[i]);
	free(rule->redact);
	predicates_free(rule->deny_if.items, rule->deny_if.n);
	predicates_free(rule->require.items, rule->require.n);
	schema_set_free(&rule->args);
	for (size_t i = 0; i < rule->n_bind; i++)
		path_free(&rule->bind[i].path);
}

static void governed_free(struct governed *governed)
{
	for (size_t i = 0; i < governed->n_tools; i++)
		rule_free(&governed->tools[i]);
	rule_free(&governed->all_tools);
	free(governed->tools);
	free(governed->hide);
}

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	governed_free(&policy->single);
	if (policy->servers != &policy->single) {
		for (size_t i = 0; i < policy->n_servers; i++)
			governed_free(&policy->servers[i]);
		free(policy->servers);
	}
	for (size_t i = 0; i < policy->n_egress; i++)
		predicates_free(policy->egress[i].deny_body, policy->egress[i].n_deny_body);
	json_decref(policy->no_arguments);
	for (size_t i = 0; i < policy->n_paths; i++)
		path_free(&policy->paths[i]->path);
	free(policy->paths);
	blocks_free(policy->blocks);
	free(policy);
}

bool model_tool_name_is_sound(const char *name)
{
	size_t n = 0;

	/* Not strspn(), which prepares itself for each call: this is asked of every call. */
	while ((name[n] >= 'a' && name[n] <= 'z') || (name[n] >= 'A' && name[n] <= 'Z') ||
	       (name[n] >= '0' && name[n] <= '9') || name[n] == '_' || name[n] == '.' ||
	       name[n] == '-')
		n++;
	return n >= 1 && n <= POLICY_TOOL_MAX && !name[n];
}

static int compare_name(const void *key, const void *element)
{
	const struct rule *rule = element;

	return strcmp(key, rule->name);
}

const struct governed *model_find_server(const struct policy *policy,
					 const struct policy_server *server)
{
	for (size_t i = 0; server && i < policy->n_servers; i++)
		if (server == &policy->servers[i].server)
			return &policy->servers[i];
	return NULL;
}

const struct grant *model_find_grant(const struct policy *policy, const char *name)
{
	for (size_t i = 0; name && i < policy->n_grants; i++)
		if (!strcmp(policy->grants[i].name, name))
			return &policy->grants[i];
	return NULL;
}

bool policy_grant_is_known(const struct policy *policy, const char *grant)
{
	return !policy->has_grants || model_find_grant(policy, grant);
}

const struct rule *model_find_tool(const struct governed *governed, const char *tool)
{
	if (!governed->n_tools)
		return NULL;
	return bsearch(tool, governed->tools, governed->n_tools, sizeof(*governed->tools),
		       compare_name);
}

size_t policy_tool_count(const struct policy *policy)
{
	size_t n = 0;

	for (size_t i = 0; i < policy->n_servers; i++)
		n += policy->servers[i].n_tools;
	return n;
}

size_t policy_server_count(const struct policy *policy)
{
	return policy->n_servers;
}

const struct policy_server *policy_server_at(const struct policy *policy, size_t i)
{
	return &policy->servers[i].server;
}

const struct policy_server *policy_server_find(const struct policy *policy, const char *host,
					       uint16_t port)
{
	for (size_t i = 0; i < policy->n_servers; i++) {
		const struct policy_server *server = &policy->servers[i].server;

		if (server->port == port && !strcmp(server->host, host))
			return server;
	}
	return NULL;
}

const struct policy_server *policy_server_beside(const struct policy *policy,
						 const struct policy_server *server,
						 const char *path)
{
	for (size_t i = 0; i < policy->n_servers; i++) {
		const struct policy_server *other = &policy->servers[i].server;

		if (other->port == server->port && !strcmp(other->host, server->host) &&
		    !strcmp(other->path, path))
			return other;
	}
	return server;
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
