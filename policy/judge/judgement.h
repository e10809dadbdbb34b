/* SPDX-License-Identifier: Apache-2.0 */
/**
 * judgement.h - one call on its way through the stages
 */
#ifndef MCPJAIL_POLICY_JUDGEMENT_H
#define MCPJAIL_POLICY_JUDGEMENT_H

#include "policy/explain.h"
#include "policy/model.h"

#define ASK_SOMEONE "Retrying will not help; if it is needed, ask the person you work for."
#define PATH_SHOWN  200 /* bytes of a path in a sentence */
#define CHANGE_IT   "Change the arguments accordingly, or ask the person you work for."

struct judgement {
	const struct policy *policy;
	const struct governed *governed; /* the server's; NULL: none of the policy's */
	const char *tool, *grant;
	int64_t now_s;
	const json_t *arguments;              /* an object */
	const struct rule *rule;              /* the tool's; NULL if the policy does not list it */
	struct policy_decision *ret;          /* for a stage that denies; NULL: nobody asks why */
	const struct policy_earlier *earlier; /* for policy_explain() alone */
	size_t n_earlier;
	bool is_explained;
};

/** deny() - Fill in rule and reason. Return: STEP_DENIES */
enum policy_step_verdict deny(const struct judgement *j, const char *rule, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** judge_stage() - What a stage says of a call that passed those before it */
enum policy_step_verdict judge_stage(const struct judgement *j, enum policy_stage stage);

/** judge_begin() - A call as the stages see it; @ret's lists are empty */
struct judgement judge_begin(const struct policy *policy, const struct policy_call *call,
			     struct policy_decision *ret);

/** judge_end() - The verdict, after the last stage that was asked */
void judge_end(const struct judgement *j, enum policy_step_verdict last);

/** observe_forwards() - Whether mode observe lets a tool's calls pass, whatever the stages say */
bool observe_forwards(const struct policy *policy, const struct policy_server *server,
		      const char *tool);

enum policy_step_verdict stage_grant(const struct judgement *j);

/* The stages that look at arguments. */
enum policy_step_verdict stage_deny_if(const struct judgement *j);
enum policy_step_verdict stage_require(const struct judgement *j);
enum policy_step_verdict stage_args(const struct judgement *j);

/* The stages whose state others keep: they list what is to be checked and charged. */
enum policy_step_verdict stage_bind(const struct judgement *j);
enum policy_step_verdict stage_limits(const struct judgement *j);
enum policy_step_verdict stage_once(const struct judgement *j);

#endif
