// SPDX-License-Identifier: Apache-2.0
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "policy/judge/judgement.h"

static void step_fill(struct policy_step *step, enum policy_step_verdict verdict,
		      const struct policy_decision *d)
{
	bool speaks = verdict != STEP_PASSES;

	step->verdict = verdict;
	snprintf(step->rule, sizeof(step->rule), "%s", speaks ? d->rule : "");
	snprintf(step->reason, sizeof(step->reason), "%s", speaks ? d->reason : "");
}

void policy_explain(const struct policy *policy, const struct policy_call *call,
		    const struct policy_history *history, struct policy_decision *ret,
		    struct policy_trace *ret_trace)
{
	struct judgement j = judge_begin(policy, call, ret);
	enum policy_step_verdict verdict = STEP_PASSES;

	if (history) {
		j.earlier = history->earlier;
		j.n_earlier = history->n;
	}
	j.is_explained = true;
	memset(ret_trace, 0, sizeof(*ret_trace));
	for (unsigned i = 0; verdict == STEP_PASSES && i < POLICY_STAGES; i++) {
		verdict = judge_stage(&j, (enum policy_stage)i);
		step_fill(&ret_trace->steps[i], verdict, ret);
	}
	judge_end(&j, verdict);
	ret_trace->verdict = verdict == STEP_ASKS ? VERDICT_ASK : ret->verdict;
}
