// SPDX-License-Identifier: Apache-2.0
#include "broker/refused.h"

#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>

#include "ipc/messages.h"

#define POLICY_SAYS(switch_) "\"jail\": {\"" switch_ "\": true} in the policy allows it"

/* What the person is to do. @flags: of the namespaces asked for */
static const char *namespace_reason(const struct broker *b, uint64_t flags)
{
	if (!b->has_namespaces)
		return "a namespace of the command's own, which there is none of where the jail "
		       "has none";
	if (b->is_root)
		return "a namespace of the command's own, which root cannot have in the jail: run "
		       "mcpjail as another user";
	if (b->allows_nested_sandbox && (flags & CLONE_NEWCGROUP))
		return "a namespace of cgroups, which nested_sandbox leaves out: have the sandbox "
		       "name the others, in place of bwrap's --unshare-all";
	return "a namespace of the command's own: " POLICY_SAYS("nested_sandbox");
}

int64_t refused_namespace(struct broker *b, struct caller *c)
{
	const struct broker_note note = {
		.protocol = EVENT_PROTOCOL_JAIL,
		.detail = c->call.nr == SYS_unshare ? "unshare" : "clone",
		.rule = "/jail/nested_sandbox",
		.reason = namespace_reason(b, c->call.args[0]),
	};

	broker_record(b, c, &note);
	return -EPERM;
}

int64_t refused_ptrace(struct broker *b, struct caller *c)
{
	const struct broker_note note = {
		.protocol = EVENT_PROTOCOL_JAIL,
		.detail = c->call.nr == SYS_ptrace ? "ptrace" : "process_vm",
		.rule = "/jail/ptrace",
		.reason = "tracing a process: " POLICY_SAYS("ptrace"),
	};

	broker_record(b, c, &note);
	return -EPERM;
}
