// SPDX-License-Identifier: Apache-2.0
#include "trace_process.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ledger/scan.h"

#define EXE_BYTES PATH_MAX

/* The last part of its path. */
static const char *name_of(const char *exe)
{
	const char *slash = strrchr(exe, '/');

	return slash ? slash + 1 : exe;
}

void trace_process_text(struct span record, char *ret, size_t size)
{
	struct span exec = scan_find(record, "exec");
	char exe[EXE_BYTES], name[EXE_BYTES * 4];
	uint64_t pid;

	ret[0] = '\0';
	if (scan_copy_string(scan_find(exec, "unknown"), exe, sizeof(exe))) {
		text_escape_terminal(exe, strlen(exe), name, sizeof(name));
		snprintf(ret, size, "a process that is not known: %s", name);
		return;
	}
	if (!scan_u64(scan_find(exec, "pid"), &pid))
		return;
	if (!scan_copy_string(scan_find(exec, "exe"), exe, sizeof(exe)))
		snprintf(exe, sizeof(exe), "?");
	text_escape_terminal(name_of(exe), strlen(name_of(exe)), name, sizeof(name));
	snprintf(ret, size, "%s[%" PRIu64 "]", name, pid);
}

static bool is_meant(struct span exec, const char *what)
{
	char exe[EXE_BYTES];

	if (span_equals(scan_find(exec, "pid"), what))
		return true;
	if (!scan_copy_string(scan_find(exec, "exe"), exe, sizeof(exe)))
		return false;
	return !strcmp(exe, what) || !strcmp(name_of(exe), what);
}

static bool is_selected_call(const struct trace_selection *selection, uint64_t call_id)
{
	for (size_t i = selection->n; i--;)
		if (selection->calls[i] == call_id)
			return true;
	return false;
}

int trace_select(struct trace_selection *selection, struct span record)
{
	struct span exec = scan_find(record, "exec");
	uint64_t call_id;
	bool is_call = scan_u64(scan_find(record, "call_id"), &call_id);

	if (!selection->what)
		return 1;
	if (!exec.n)
		return is_call && is_selected_call(selection, call_id);
	if (!is_meant(exec, selection->what))
		return 0;
	if (!is_call)
		return 1;
	if (selection->n == selection->cap) {
		size_t cap = selection->cap ? 2 * selection->cap : 256;
		uint64_t *grown = reallocarray(selection->calls, cap, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		selection->calls = grown;
		selection->cap = cap;
	}
	selection->calls[selection->n++] = call_id;
	return 1;
}
