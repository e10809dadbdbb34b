// SPDX-License-Identifier: Apache-2.0
/*
 * Another policy while the run goes on. The supervisor brings it; it is in force from the moment
 * that the proxy says so, in the order of its calls: each record names the policy that judged the
 * call. Limits are counted by name: what has been charged stays charged.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "roles/keeper.h"
#include "roles/role_policy.h"

static int on_policy(struct keeper *k, const struct message *m)
{
	struct keeper_policy *next = &k->next_policy;
	autobuf struct buf text = BUF_INIT(0);
	struct msg_keeper_policy policy;
	struct error err = {.what = ""};
	struct span bytes;
	int r = message_decode(m, &policy);

	if (r)
		return r;
	*next = (struct keeper_policy){.is_there = false};
	if (k->n_policies == KEEPER_POLICIES_MAX)
		r = -ENOSPC;
	if (!r)
		r = role_policy_text(m->fds[0], &text);
	bytes = span_bytes(text.data, text.len);
	if (!r)
		r = hasher_sha256(k->hasher, &bytes, 1, &next->sha256);
	if (!r) {
		next->bytes = text.len;
		next->is_there = true;
		span_copy(policy.path, next->path, sizeof(next->path));
		span_copy(policy.file, next->file, sizeof(next->file));
	}
	return role_policy_answer(&k->supervisor, MSG_KEEPER_POLICY_TAKEN, r, &err);
}

static int on_policy_in_force(struct keeper *k, const struct message *m)
{
	struct keeper_policy *next = &k->next_policy;
	struct msg_policy_in_force in_force;
	struct record *record;
	int r = message_decode(m, &in_force);

	if (r)
		return r;
	if (!next->is_there || in_force.number != k->n_policies ||
	    in_force.sha256.n != DIGEST_BYTES ||
	    memcmp(in_force.sha256.p, next->sha256.b, DIGEST_BYTES))
		return -EPROTO;
	k->policies[k->n_policies++] = next->sha256;
	next->is_there = false;
	record = ledger_begin(k->ledger, "policy.loaded");
	record_hex(record, "sha256", span_bytes(next->sha256.b, DIGEST_BYTES));
	record_string(record, "path", span_of(next->path));
	record_u64(record, "bytes", next->bytes);
	record_bool(record, "copied", next->file[0]);
	record_bool(record, "reload", true);
	if (next->file[0])
		record_string(record, "file", span_of(next->file));
	/* A ledger that failed denies every call by itself. */
	(void)keeper_commit(k);
	return role_policy_answer(&k->supervisor, MSG_KEEPER_POLICY_TAKEN, 0, NULL);
}

static int on_reload_failed(struct keeper *k, const struct message *m)
{
	struct msg_reload_failed failed;
	struct record *record;
	int r = message_decode(m, &failed);

	if (r)
		return r;
	k->next_policy.is_there = false;
	record = ledger_begin(k->ledger, "policy.reload_failed");
	record_string(record, "reason", failed.reason);
	record_hex(record, "sha256_in_force",
		   span_bytes(k->policies[k->n_policies - 1].b, DIGEST_BYTES));
	(void)keeper_commit(k);
	return role_policy_answer(&k->supervisor, MSG_KEEPER_POLICY_TAKEN, 0, NULL);
}

int keeper_on_reload(struct keeper *k, const struct message *m)
{
	if (m->type == MSG_KEEPER_POLICY)
		return on_policy(k, m);
	return m->type == MSG_POLICY_IN_FORCE ? on_policy_in_force(k, m) : on_reload_failed(k, m);
}
