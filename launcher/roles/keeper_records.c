// SPDX-License-Identifier: Apache-2.0
#include "roles/keeper.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/log.h"
#include "ledger/scan.h"

int keeper_commit(struct keeper *k)
{
	int r = ledger_commit(k->ledger);

	if (r && !k->has_complained) {
		k->has_complained = true;
		log_error("the ledger cannot be written, calls are denied: %s",
			  ledger_failure(k->ledger));
	}
	return r;
}

static void record_key(struct keeper *k, struct record *r)
{
	char key[NOTE_KEY_TEXT_MAX];

	if (note_key_format(ledger_key(k->ledger), k->hasher, key))
		record_null(r, "log_key");
	else
		record_string(r, "log_key", span_of(key));
}

void keeper_record_start(struct keeper *k, const struct msg_keeper_config *config,
			 struct span policy, bool policy_is_copied)
{
	struct record *r = ledger_begin(k->ledger, "run.start");
	struct utsname host = {0};

	(void)uname(&host);
	record_string(r, "version", config->version);
	record_key(k, r);
	record_json(r, "argv", config->command);
	record_string(r, "cwd", config->cwd);
	record_string(r, "grant", config->grant);
	record_string(r, "policy_path", config->policy_path);
	record_u64(r, "uid", getuid());
	record_string(r, "kernel", span_of(host.release));
	record_string(r, "machine", span_of(host.machine));
	(void)keeper_commit(k);

	r = ledger_begin(k->ledger, "policy.loaded");
	record_hex(r, "sha256", span_bytes(k->policies[0].b, DIGEST_BYTES));
	record_string(r, "path", config->policy_path);
	record_u64(r, "bytes", policy.n);
	record_bool(r, "copied", policy_is_copied);
	(void)keeper_commit(k);
}

void keeper_record_exec(struct keeper *k, const struct msg_run_execed *execed)
{
	struct record *r = ledger_begin(k->ledger, "proc.exec");

	if (execed->pid)
		record_u64(r, "pid", execed->pid);
	else
		record_null(r, "pid");
	record_json(r, "argv", span_of(k->command));
	record_string(r, "tier", execed->tier);
	record_string(r, "layers", execed->layers);
	(void)keeper_commit(k);
}

/* Those that appeared last are remembered; a process that was forgotten is recorded again. */
static bool is_new_process(struct keeper *k, struct span id)
{
	struct digest digest;
	uint64_t hash;

	if (hasher_sha256(k->hasher, &id, 1, &digest))
		return false;
	memcpy(&hash, digest.b, sizeof(hash));
	for (size_t i = 0; i < KEEPER_PROCESSES_MAX; i++)
		if (k->processes[i] == hash)
			return false;
	k->processes[k->next_process] = hash;
	k->next_process = (k->next_process + 1) % KEEPER_PROCESSES_MAX;
	return true;
}

void keeper_note_process(struct keeper *k, struct span exec)
{
	static const char *const keys[] = {"id", "pid", "start_ns", "exe", "argv", "parents"};
	struct span id = scan_is_value(exec) ? scan_find(exec, "id") : span_of("");
	struct record *r;

	/* Without an id it is one that nobody knows. */
	if (!id.n || !is_new_process(k, id))
		return;
	r = ledger_begin(k->ledger, "proc.exec");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		record_json(r, keys[i], scan_find(exec, keys[i]));
	(void)keeper_commit(k);
}

int keeper_note_end(struct keeper *k, const struct msg_run_ended *ended)
{
	struct run_status *s = &k->status;

	if ((ended->second_wall.n && !scan_is_value(ended->second_wall)) ||
	    (ended->submodules.n && !scan_is_value(ended->submodules)))
		return -EPROTO;
	s->child_exit = ended->child_exit < 256 ? (int)ended->child_exit : -1;
	s->signal = ended->signal < 128 ? (int)ended->signal : 0;
	span_copy(ended->second_wall, s->second_wall, sizeof(s->second_wall));
	span_copy(ended->submodules, s->submodules, sizeof(s->submodules));
	return 0;
}

int keeper_record_end(struct keeper *k, struct span failure)
{
	const struct run_status *s = &k->status;
	struct record *r = ledger_begin(k->ledger, "run.end");

	if (s->child_exit >= 0)
		record_u64(r, "child_exit", (uint64_t)s->child_exit);
	else
		record_null(r, "child_exit");
	if (s->signal > 0)
		record_u64(r, "signal", (uint64_t)s->signal);
	else
		record_null(r, "signal");
	record_string(r, "failure", failure);
	record_u64(r, "allowed", s->counts.allowed);
	record_u64(r, "denied", s->counts.denied);
	record_u64(r, "unknown", s->counts.unknown);
	record_u64(r, "lost", s->counts.lost);
	record_u64(r, "egress_allowed", s->counts.egress_allowed);
	record_u64(r, "egress_refused", s->counts.egress_refused);
	if (s->second_wall[0])
		record_json(r, "second_wall", span_of(s->second_wall));
	else
		record_null(r, "second_wall");
	if (s->submodules[0])
		record_json(r, "submodules", span_of(s->submodules));
	if (k->files.has_tools)
		record_hex(r, "tools_sha256", span_bytes(k->files.tools_sha256.b, DIGEST_BYTES));
	return keeper_commit(k);
}

static void record_event(struct keeper *k, const char *type, const struct msg_event *event)
{
	const struct {
		const char *key;
		struct span text;
	} texts[] = {
		{"protocol", event->protocol}, {"host", event->host},
		{"address", event->address},   {"rule", event->rule},
		{"reason", event->reason},     {"detail", event->detail},
	};
	struct record *r;

	keeper_note_process(k, event->exec);
	r = ledger_begin(k->ledger, type);
	record_u64(r, "conn", event->conn);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].text.n)
			record_string(r, texts[i].key, texts[i].text);
	if (event->port)
		record_u64(r, "port", event->port);
	if (event->status)
		record_u64(r, "status", event->status);
	if (event->exec.n)
		record_json(r, "exec", event->exec);
	(void)keeper_commit(k);
}

int keeper_on_event(struct keeper *k, const struct message *m)
{
	static const char *const types[] = {
		[EVENT_NET_DENIED] = "net.denied",     [EVENT_CONN_OPEN] = "conn.open",
		[EVENT_TOOLS_LISTED] = "tools.listed", [EVENT_EGRESS_ALLOWED] = "net.allowed",
		[EVENT_LOOPBACK_REFUSED] = NULL,
	};
	struct msg_event event;
	int r = message_decode(m, &event);

	if (!r && event.kind >= sizeof(types) / sizeof(types[0]))
		r = -EPROTO;
	if (r)
		return r;
	if (event.kind == EVENT_LOOPBACK_REFUSED) {
		keeper_note_loopback(k, &event);
		return 0;
	}
	k->status.counts.egress_allowed += event.kind == EVENT_EGRESS_ALLOWED;
	if (event.kind != EVENT_NET_DENIED || keeper_admit_denial(k, &event))
		record_event(k, types[event.kind], &event);
	return 0;
}

int keeper_on_tools_served(struct keeper *k, const struct message *m)
{
	struct msg_tools_served served;
	struct digest digest;
	struct record *record;
	int r = message_decode(m, &served);

	if (r)
		return r;
	/* A list that is not JSON is the proxy's doing: no honest one relays such. */
	r = run_tools_set(&k->files, k->hasher, served.server, served.tools);
	if (r == -EINVAL)
		return -EPROTO;
	if (!r)
		return 0;
	record = ledger_begin(k->ledger, "tools.listed");
	record_string(record, "server", served.server);
	if (!hasher_sha256(k->hasher, &served.tools, 1, &digest))
		record_hex(record, "tools_sha256", span_bytes(digest.b, DIGEST_BYTES));
	record_bool(record, "kept", r == 1);
	(void)keeper_commit(k);
	return 0;
}
