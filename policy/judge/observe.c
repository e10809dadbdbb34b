// SPDX-License-Identifier: Apache-2.0
/*
 * Mode observe is for finding out what an agent needs. A person has to have said of a tool that
 * it reads or writes: then its calls pass whatever else the policy says of them, and what it says
 * is recorded. Everything else is denied, also what the policy allows: a trial costs nothing and
 * leaves nothing that cannot be undone.
 */
#include <stdio.h>
#include <string.h>

#include "policy/judge/judgement.h"

static const char *const class_words[] = {
	[CLASS_NONE] = "no class",         [CLASS_READ] = "the class read",
	[CLASS_WRITE] = "the class write", [CLASS_DESTRUCTIVE] = "the class destructive",
	[CLASS_PAID] = "the class paid",
};

/* That of all_tools is no word on a tool that nobody has looked at. */
static enum tool_class class_of(const struct governed *governed, const char *tool)
{
	const struct rule *rule = governed && tool ? model_find_tool(governed, tool) : NULL;

	return rule ? rule->class : CLASS_NONE;
}

/* Where a call goes, and what is hidden, are no matter of the mode. */
static bool is_out_of_reach(const struct policy *policy, const struct governed *governed,
			    const char *tool)
{
	const struct judgement j = {.policy = policy, .governed = governed, .tool = tool};

	return !governed || judge_stage(&j, STAGE_HIDE) != STEP_PASSES;
}

bool policy_observes(const struct policy *policy)
{
	return policy->observes;
}

bool observe_forwards(const struct policy *policy, const struct policy_server *server,
		      const char *tool)
{
	const struct governed *governed = model_find_server(policy, server);
	enum tool_class class = class_of(governed, tool);

	return policy->observes && (class == CLASS_READ || class == CLASS_WRITE) &&
	       !is_out_of_reach(policy, governed, tool);
}

void policy_observe(const struct policy *policy, const struct policy_call *call,
		    struct policy_decision *decision)
{
	char judged[sizeof(decision->reason)];

	decision->is_observed = observe_forwards(policy, call->server, call->tool) &&
				strncmp(decision->rule, "/grants", strlen("/grants")) != 0;
	if (decision->is_observed) {
		/* What needs the results of earlier calls, or a person, is not judged. */
		decision->n_bound = 0;
		decision->once.rule = NULL;
		decision->approval.is_required = false;
		if (decision->verdict != VERDICT_ALLOW) {
			snprintf(judged, sizeof(judged), "%s", decision->reason);
			snprintf(decision->reason, sizeof(decision->reason),
				 "mode observe, so forwarded; judged: %.900s", judged);
		}
		decision->verdict = VERDICT_ALLOW;
	} else if (policy->observes && decision->verdict == VERDICT_ALLOW) {
		decision->verdict = VERDICT_DENY;
		decision->n_limits = 0;
		decision->n_bound = 0;
		snprintf(decision->rule, sizeof(decision->rule), "/mode");
		snprintf(
			decision->reason, sizeof(decision->reason),
			"the policy only observes: it forwards tools that it classes as read or "
			"write, and this one has %s. " ASK_SOMEONE,
			class_words[class_of(model_find_server(policy, call->server), call->tool)]);
	}
}
