// SPDX-License-Identifier: Apache-2.0
/*
 * A grant only takes away: what passes here is judged as if there were none.
 */
#include <string.h>

#include "policy/judge/judgement.h"

static bool is_listed(const struct policy_names *names, const char *name)
{
	for (size_t i = 0; name && i < names->n; i++)
		if (!strcmp(names->items[i], name))
			return true;
	return false;
}

static bool has_server(const struct grant *grant, const struct policy_server *server)
{
	return !grant->lists_servers || is_listed(&grant->servers, server->name);
}

static bool has_tool(const struct grant *grant, const char *tool)
{
	return !grant->lists_tools || is_listed(&grant->tools, tool);
}

bool policy_grant_has(const struct policy *policy, const char *name,
		      const struct policy_server *server, const char *tool)
{
	const struct grant *grant = model_find_grant(policy, name);

	if (!policy->has_grants)
		return true;
	return grant && has_server(grant, server) && has_tool(grant, tool);
}

enum policy_step_verdict stage_grant(const struct judgement *j)
{
	const struct grant *grant = model_find_grant(j->policy, j->grant);

	/* Who asks what is to be shown has no grant to show. */
	if (!j->policy->has_grants || !j->ret)
		return STEP_PASSES;
	if (!grant)
		return deny(j, "/grants", "the policy has no grant for this run. " ASK_SOMEONE);
	if (j->now_s >= grant->expires_s)
		return deny(j, grant->pointer, "the grant `%s` has expired. " ASK_SOMEONE,
			    grant->name);
	if (!has_server(grant, &j->governed->server))
		return deny(j, grant->pointer, "the grant `%s` is for other servers. " ASK_SOMEONE,
			    grant->name);
	if (!has_tool(grant, j->tool))
		return deny(j, grant->pointer, "the grant `%s` is for other tools. " ASK_SOMEONE,
			    grant->name);
	return STEP_PASSES;
}
