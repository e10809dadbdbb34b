// SPDX-License-Identifier: Apache-2.0
/*
 * A call's way through the keeper: charge, record, answer. Whatever fails on the way turns
 * the verdict into a denial, and what had been charged by then is given back, for the call
 * never left. The proxy can lie about a call, but it can neither forward one that is not in
 * the ledger without the ledger's readers seeing the gap in time, nor use a number twice,
 * nor report on a call that was never recorded: those end the run.
 */
#include "roles/keeper.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "policy/policy.h"

/* What became of a call between its arrival and the answer. */
struct judgement {
	enum verdict verdict;
	bool failed;
	struct limits_answer limits; /* valid if was_charged or over a limit */
	bool was_counted;
	char text[KEEPER_TEXT_MAX]; /* reason of a denial that the keeper made */
};

/* --- call ids ---------------------------------------------------------------- */

/* True if @id was never seen before. An id older than the window cannot be told apart. */
static bool ids_take(struct call_ids *ids, uint64_t id)
{
	uint64_t *word = &ids->used[id / 64 % ARRAY_SIZE(ids->used)];
	uint64_t bit = UINT64_C(1) << id % 64;

	if (id == UINT64_MAX || id + KEEPER_IDS_WINDOW < ids->next)
		return false;
	if (id >= ids->next + KEEPER_IDS_WINDOW) {
		memset(ids->used, 0, sizeof(ids->used));
	} else {
		for (uint64_t i = ids->next; i <= id; i++)
			ids->used[i / 64 % ARRAY_SIZE(ids->used)] &= ~(UINT64_C(1) << i % 64);
	}
	if (id >= ids->next)
		ids->next = id + 1;
	if (*word & bit)
		return false;
	*word |= bit;
	return true;
}

/* --- open calls -------------------------------------------------------------- */

static struct open_call **open_slot(struct keeper *k, uint64_t id)
{
	struct open_call **slot = &k->open[id % KEEPER_BUCKETS];

	while (*slot && (*slot)->id != id)
		slot = &(*slot)->next;
	return slot;
}

static int open_add(struct keeper *k, const struct msg_call *call,
		    const struct limits_receipt *receipt)
{
	struct open_call *open;

	if (k->n_open >= KEEPER_OPEN_MAX)
		return -ENOBUFS;
	open = malloc(sizeof(*open));
	if (!open)
		return -ENOMEM;
	*open = (struct open_call){k->open[call->call_id % KEEPER_BUCKETS], call->call_id,
				   span_equals(call->method, "tools/call"), *receipt};
	k->open[call->call_id % KEEPER_BUCKETS] = open;
	k->n_open++;
	return 0;
}

static struct open_call *open_take(struct keeper *k, uint64_t id)
{
	struct open_call **slot = open_slot(k, id);
	struct open_call *open = *slot;

	if (open) {
		*slot = open->next;
		k->n_open--;
	}
	return open;
}

/* --- limits ------------------------------------------------------------------ */

static void fail_call(struct judgement *j, const char *what, const char *why)
{
	j->verdict = VERDICT_DENY;
	j->failed = true;
	snprintf(j->text, sizeof(j->text), "%.64s: %.400s", what, why);
}

static void deny_over_limit(const struct msg_call *call, struct judgement *j)
{
	size_t n = 0;

	j->verdict = call->observed ? VERDICT_ALLOW : VERDICT_DENY;
	if (call->observed)
		n = (size_t)snprintf(j->text, sizeof(j->text),
				     "mode observe, so forwarded; judged: ");
	keeper_describe_limit(call, &j->limits, j->text + n, sizeof(j->text) - n);
}

static void judge(struct keeper *k, const struct msg_call *call, struct judgement *j)
{
	int r;

	*j = (struct judgement){.verdict = VERDICT_DENY, .limits = {.over = -1}};
	if (call->verdict != VERDICT_ALLOW)
		return;
	j->verdict = VERDICT_ALLOW;
	if (!call->n_charges)
		return;
	if (!k->limits) {
		fail_call(j, "limits cannot be counted", k->limits_failure);
		return;
	}
	r = keeper_charge(k, call, &j->limits);
	if (r) {
		fail_call(j, "limits cannot be counted",
			  r == -ENOKEY ? "hmac.key in the state directory cannot be used"
				       : limits_strerror(r));
		return;
	}
	j->was_counted = true;
	if (j->limits.over >= 0)
		deny_over_limit(call, j);
}

/* The call will not leave. A refund that fails leaves it charged, which only denies more. */
static void refund(struct keeper *k, const struct limits_receipt *receipt)
{
	if (k->limits && receipt->n)
		(void)limits_refund(k->limits, receipt);
}

/* --- the record -------------------------------------------------------------- */

static void record_limits(struct record *r, const struct msg_call *call, const struct judgement *j)
{
	static const char *const algorithms[] = {[ALGORITHM_SLIDING] = "sliding",
						 [ALGORITHM_FIXED] = "fixed",
						 [ALGORITHM_BUCKET] = "bucket"};

	record_begin_list(r, "limits");
	for (size_t i = 0; i < call->n_charges; i++) {
		const struct msg_charge *charge = &call->charges[i];

		record_begin_item(r);
		record_string(r, "rule", charge->rule);
		record_string(r, "counter", charge->counter);
		record_u64(r, "max", charge->max);
		if (charge->window_ms != IPC_WINDOW_LIFETIME)
			record_u64(r, "window_ms", charge->window_ms);
		if (charge->algorithm != ALGORITHM_SLIDING)
			record_string(r, "algorithm", span_of(algorithms[charge->algorithm]));
		if (charge->kind == CHARGE_VALUE)
			record_bool(r, "distinct", true);
		record_u64(r, "amount", charge->amount);
		if (j->was_counted)
			record_u64(r, "current", j->limits.used[i]);
		record_end_item(r);
	}
	record_end_list(r);
}

static void record_arguments(struct keeper *k, struct record *r, const struct msg_call *call)
{
	struct digest hmac;

	record_json(r, "args", call->args);
	if (call->args_sha256.n && !hasher_hmac(k->hasher, call->args_sha256, &hmac))
		record_hex(r, "args_hmac", span_bytes(hmac.b, DIGEST_BYTES));
	else
		record_null(r, "args_hmac");
}

static int record_decision(struct keeper *k, const struct msg_call *call, const struct judgement *j)
{
	bool is_over = j->was_counted && j->limits.over >= 0;
	struct record *r;

	keeper_note_process(k, call->exec);
	r = ledger_begin(k->ledger, "call.decision");

	record_u64(r, "call_id", call->call_id);
	record_u64(r, "conn", call->conn);
	record_string(r, "method", call->method);
	record_string(r, "server", call->server);
	record_string(r, "tool", call->tool);
	record_json(r, "jsonrpc_id", call->id_json);
	record_arguments(k, r, call);
	record_hex(r, "policy_sha256", span_bytes(k->policies[call->policy].b, DIGEST_BYTES));
	record_string(r, "grant", span_of(k->grant));
	record_json(r, "exec", call->exec);
	record_string(r, "verdict", span_of(j->verdict == VERDICT_ALLOW ? "allow" : "deny"));
	record_string(r, "rule", is_over ? call->charges[j->limits.over].rule : call->rule);
	record_string(r, "reason", j->text[0] ? span_of(j->text) : call->reason);
	record_bool(r, "durable", call->durable);
	record_limits(r, call, j);
	if (is_over && j->limits.retry_after_ms != UINT64_MAX)
		record_u64(r, "retry_after_s", keeper_wait_s(j->limits.retry_after_ms));
	return keeper_commit(k);
}

static void record_outcome(struct keeper *k, const char *type, const struct msg_outcome *outcome)
{
	static const char *const names[] = {
		[OUTCOME_UNKNOWN] = "unknown",
		[OUTCOME_ANSWERED] = "answered",
		[OUTCOME_NOT_SENT] = "not_sent",
	};
	struct record *r = ledger_begin(k->ledger, type);

	record_u64(r, "call_id", outcome->call_id);
	record_string(r, "outcome", span_of(names[outcome->outcome]));
	if (outcome->http_status)
		record_u64(r, "http_status", outcome->http_status);
	if (outcome->outcome == OUTCOME_ANSWERED)
		record_bool(r, "is_error", outcome->is_error);
	if (outcome->upstream_us)
		record_ms(r, "upstream_ms", outcome->upstream_us);
	if (outcome->result_sha256.n)
		record_hex(r, "result_sha256", outcome->result_sha256);
	if (outcome->detail.n)
		record_string(r, "detail", outcome->detail);
	(void)keeper_commit(k);
}

/* What was allowed in the ledger and yet will not leave: its record needs a second one. */
static void take_back(struct keeper *k, const struct msg_call *call, struct judgement *j)
{
	struct msg_outcome outcome = {
		.call_id = call->call_id, .outcome = OUTCOME_NOT_SENT, .detail = span_of(j->text)};

	refund(k, &j->limits.receipt);
	record_outcome(k, "call.result", &outcome);
}

static void make_durable(struct keeper *k, const struct msg_call *call, struct judgement *j)
{
	int r = ledger_flush(k->ledger);

	if (!r && k->limits)
		r = limits_flush(k->limits);
	if (!r)
		return;
	fail_call(j, "the call's record cannot be brought to disk", strerror(-r));
	take_back(k, call, j);
}

static void settle(struct keeper *k, const struct msg_call *call, struct judgement *j)
{
	int r;

	if (record_decision(k, call, j)) {
		refund(k, &j->limits.receipt);
		fail_call(j, "the call cannot be recorded", ledger_failure(k->ledger));
	}
	if (j->verdict == VERDICT_ALLOW && call->durable)
		make_durable(k, call, j);
	if (j->verdict != VERDICT_ALLOW)
		return;
	r = open_add(k, call, &j->limits.receipt);
	if (r) {
		fail_call(j, "too many calls are open", strerror(-r));
		take_back(k, call, j);
	}
}

static bool charge_is_sound(const struct msg_charge *charge)
{
	return charge->scope <= SCOPE_GLOBAL && charge->kind < CHARGE_KINDS &&
	       charge->algorithm <= ALGORITHM_BUCKET && charge->keep_for_ever <= 1 &&
	       (!charge->value_sha256.n || charge->value_sha256.n == DIGEST_BYTES);
}

static bool call_is_sound(const struct keeper *k, const struct msg_call *call)
{
	if (call->policy >= k->n_policies || call->verdict > VERDICT_ASK || call->durable > 1 ||
	    call->observed > 1 || (call->args_sha256.n && call->args_sha256.n != DIGEST_BYTES))
		return false;
	for (size_t i = 0; i < call->n_charges; i++)
		if (!charge_is_sound(&call->charges[i]))
			return false;
	return true;
}

int keeper_on_call(struct keeper *k, const struct message *m)
{
	struct msg_call call;
	struct msg_call_verdict answer;
	struct judgement j;
	int r = message_decode(m, &call);

	if (!r && (!call_is_sound(k, &call) || !ids_take(&k->ids, call.call_id)))
		r = -EPROTO;
	if (r)
		return r;
	judge(k, &call, &j);
	settle(k, &call, &j);
	if (span_equals(call.method, "tools/call"))
		(*(j.verdict == VERDICT_ALLOW ? &k->status.counts.allowed
					      : &k->status.counts.denied))++;
	answer = (struct msg_call_verdict){.call_id = call.call_id,
					   .verdict = (uint8_t)j.verdict,
					   .failed = j.failed,
					   .reason = span_of(j.failed ? j.text : "")};
	if (j.was_counted && j.limits.over >= 0 && !j.failed) {
		answer.limit = (uint32_t)j.limits.over;
		answer.retry_after_ms = j.limits.retry_after_ms;
	}
	return channel_send(&k->proxy, MSG_CALL_VERDICT, &answer);
}

int keeper_on_outcome(struct keeper *k, const struct message *m)
{
	autofree struct open_call *open = NULL;
	struct msg_outcome outcome;
	int r = message_decode(m, &outcome);

	if (!r && (outcome.outcome > OUTCOME_NOT_SENT || outcome.is_error > 1 ||
		   (outcome.result_sha256.n && outcome.result_sha256.n != DIGEST_BYTES)))
		r = -EPROTO;
	if (r)
		return r;
	open = open_take(k, outcome.call_id);
	if (!open)
		return -EPROTO;
	if (outcome.outcome == OUTCOME_NOT_SENT)
		refund(k, &open->receipt);
	if (outcome.outcome == OUTCOME_UNKNOWN && open->is_tool_call)
		k->status.counts.unknown++;
	record_outcome(k,
		       outcome.outcome == OUTCOME_UNKNOWN ? "call.outcome_unknown" : "call.result",
		       &outcome);
	return 0;
}

void keeper_abandon_calls(struct keeper *k, const char *why)
{
	for (size_t i = 0; i < KEEPER_BUCKETS; i++) {
		for (struct open_call *open = k->open[i]; open; open = open->next) {
			struct msg_outcome outcome = {.call_id = open->id,
						      .outcome = OUTCOME_UNKNOWN,
						      .detail = span_of(why)};

			k->status.counts.unknown += open->is_tool_call;
			record_outcome(k, "call.outcome_unknown", &outcome);
		}
	}
	keeper_forget_calls(k);
}

void keeper_forget_calls(struct keeper *k)
{
	for (size_t i = 0; i < KEEPER_BUCKETS; i++) {
		while (k->open[i]) {
			struct open_call *open = k->open[i];

			k->open[i] = open->next;
			free(open);
		}
	}
	k->n_open = 0;
}
