// SPDX-License-Identifier: Apache-2.0
#include "policy/load/load_rule.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/load/load_limits.h"
#include "policy/load/load_predicates.h"
#include "policy/load/load_schema.h"
#include "policy/load/load_stateful.h"

#define PREDICATES_MAX 64 /* of each kind in a rule */

static const struct load_word actions[] = {
	{"allow", ACTION_ALLOW},
	{"deny", ACTION_DENY},
	{"require_approval", ACTION_REQUIRE_APPROVAL},
};

static const struct load_word classes[] = {
	{"read", CLASS_READ},
	{"write", CLASS_WRITE},
	{"destructive", CLASS_DESTRUCTIVE},
	{"paid", CLASS_PAID},
};

static void load_action(struct load *l, const json_t *value, void *into)
{
	struct rule *rule = into;
	int action;

	if (load_word(l, value, LOAD_WORDS(actions), &action))
		rule->action = (enum tool_action)action;
}

static void load_class(struct load *l, const json_t *value, void *into)
{
	struct rule *rule = into;
	int class;

	if (load_word(l, value, LOAD_WORDS(classes), &class))
		rule->class = (enum tool_class) class;
}

/* `reason`, and `on_deny`, which is another name for it. */
static void load_reason(struct load *l, const json_t *value, void *into)
{
	struct rule *rule = into;
	const char *reason;

	if (!load_string(l, value, &reason))
		return;
	if (rule->reason)
		load_error_key(l, "keep one of them", "`reason` and `on_deny` mean the same");
	else if (!reason[0] || strlen(reason) > POLICY_REASON_MAX)
		load_error(l, NULL, "a reason has 1 to %d bytes", POLICY_REASON_MAX);
	else
		rule->reason = load_keep(l, reason);
}

static void load_durable(struct load *l, const json_t *value, void *into)
{
	struct rule *rule = into;
	bool durable;

	if (load_boolean(l, value, &durable))
		rule->durable = durable ? CHOICE_YES : CHOICE_NO;
}

static void load_redact_path(struct load *l, const json_t *value, struct rule *rule)
{
	const char *text, *what;
	int r;

	if (!load_string(l, value, &text))
		return;
	r = path_parse(text, PATH_ARGS, &rule->redact[rule->n_redact], &what);
	if (!r)
		rule->n_redact++;
	else if (r == -EINVAL)
		load_error(l, path_examples(PATH_ARGS), "`%.60s` is no path: %s", text, what);
	else
		l->is_out_of_memory = true;
}

static void load_redact(struct load *l, const json_t *value, void *into)
{
	struct rule *rule = into;

	if (!load_is_array(l, value, "[\"args.faxNumber\"]"))
		return;
	rule->redact = load_allocate(l, json_array_size(value), sizeof(*rule->redact));
	for (size_t i = 0; rule->redact && i < json_array_size(value); i++) {
		size_t mark = load_enter_index(l, i);

		load_redact_path(l, json_array_get(value, i), rule);
		load_leave(l, mark);
	}
}

static void load_deny_if(struct load *l, const json_t *value, void *into)
{
	struct rule *rule = into;

	load_predicates(l, value, PATH_ARGS, PREDICATES_MAX, &rule->deny_if);
}

static void load_require(struct load *l, const json_t *value, void *into)
{
	struct rule *rule = into;

	load_predicates(l, value, PATH_ARGS, PREDICATES_MAX, &rule->require);
}

static const struct load_key rule_keys[] = {
	{"action", load_action, false},
	{"reason", load_reason, false},
	{"on_deny", load_reason, false},
	{"limits", load_limits, false},
	{"rate_limit", load_rate_limit, false},
	{"class", load_class, false},
	{"durable", load_durable, false},
	{"redact", load_redact, false},
	{"require", load_require, false},
	{"deny_if", load_deny_if, false},
	{"args", load_args, false},
	{"bind", load_bind, false},
	{"once", load_once, false},
	{"approval", load_approval, false},
	{"response", NULL, false},
};

static const struct load_keys rule_table = {
	.owner = "a tool's rule",
	.write = "{} allows the tool; {\"action\":\"deny\"} denies it",
	.keys = rule_keys,
	.n = ARRAY_SIZE(rule_keys),
};

void load_rule(struct load *l, const json_t *value, const char *name, struct rule *ret)
{
	*ret = (struct rule){
		.name = name,
		.pointer = load_keep(l, l->pointer),
		.action = ACTION_ALLOW,
	};
	load_object(l, value, &rule_table, ret);
	load_check_rule(l, ret);
}
