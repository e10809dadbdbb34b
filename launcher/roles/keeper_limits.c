// SPDX-License-Identifier: Apache-2.0
/*
 * From the charges of a call, as the proxy lists them, to counters of the log that all runs
 * share; and what is said of one that is over.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "roles/keeper.h"

static const char *const scope_names[] = {
	[SCOPE_GRANT] = "grant",   [SCOPE_SESSION] = "session", [SCOPE_RUN] = "run",
	[SCOPE_SERVER] = "server", [SCOPE_GLOBAL] = "global",
};

static struct span scope_value(const struct keeper *k, const struct msg_call *call, uint8_t scope)
{
	const struct span values[] = {
		[SCOPE_GRANT] = span_of(k->grant),    [SCOPE_SESSION] = span_of(k->run_id),
		[SCOPE_RUN] = span_of(k->run_id),     [SCOPE_SERVER] = call->server,
		[SCOPE_GLOBAL] = span_bytes(NULL, 0),
	};

	return values[scope];
}

/*
 * A counter is what (how it is counted, scope, the scope's value, server, counter) is: their
 * hash, with every length in front so that no two tuples spell the same bytes. A global one
 * is shared by servers. What is forwarded once is so whoever asks: its counter is the tool.
 *
 * A session is the run. MCP's own sessions are no measure: an agent begins a new one, with
 * limits unused, whenever it likes.
 */
static int counter_digest(struct keeper *k, const struct msg_call *call,
			  const struct msg_charge *charge, struct digest *ret)
{
	bool is_once = charge->kind == CHARGE_ONCE;
	bool is_shared = !is_once && charge->scope == SCOPE_GLOBAL;
	struct span value = is_once ? span_of("") : scope_value(k, call, charge->scope);
	struct span server = is_shared ? span_of("") : call->server;
	struct span counter = is_once ? call->tool : charge->counter;
	uint64_t way = charge->kind == CHARGE_AMOUNT && charge->algorithm == ALGORITHM_BUCKET
			       ? CHARGE_KINDS
			       : charge->kind;
	uint64_t lengths[] = {way, charge->scope, value.n, server.n, counter.n};
	struct span pieces[] = {span_bytes(lengths, sizeof(lengths)), value, server, counter};

	return hasher_sha256(k->hasher, pieces, ARRAY_SIZE(pieces), ret);
}

/* A value of a counter. Keyed, so that the log does not tell values that can be guessed. */
static int value_key(struct keeper *k, const struct digest *counter, struct span value_sha256,
		     uint8_t ret[LIMITS_KEY_BYTES])
{
	uint8_t both[2 * DIGEST_BYTES];
	struct digest digest;

	/* The proxy could not hash it. */
	if (value_sha256.n != DIGEST_BYTES)
		return -ENOMEM;
	memcpy(both, counter->b, DIGEST_BYTES);
	memcpy(both + DIGEST_BYTES, value_sha256.p, DIGEST_BYTES);
	if (hasher_hmac(k->hasher, span_bytes(both, sizeof(both)), &digest))
		return -ENOKEY;
	memcpy(ret, digest.b, LIMITS_KEY_BYTES);
	return 0;
}

struct label {
	char text[LIMITS_LABEL_MAX + 1];
};

static void describe_counter(const struct keeper *k, const struct msg_call *call,
			     const struct msg_charge *charge, struct label *ret)
{
	struct span value = scope_value(k, call, charge->scope);

	if (charge->kind == CHARGE_ONCE)
		snprintf(ret->text, sizeof(ret->text), "once %.*s %.*s", (int)call->server.n,
			 call->server.p, (int)call->tool.n, call->tool.p);
	else if (charge->scope >= SCOPE_SERVER)
		snprintf(ret->text, sizeof(ret->text), "%s %.*s %.*s", scope_names[charge->scope],
			 (int)value.n, value.n ? value.p : "", (int)charge->counter.n,
			 charge->counter.p);
	else
		snprintf(ret->text, sizeof(ret->text), "%s %.*s %.*s %.*s",
			 scope_names[charge->scope], (int)value.n, value.p, (int)call->server.n,
			 call->server.p, (int)charge->counter.n, charge->counter.p);
}

static int make_charge(struct keeper *k, const struct msg_call *call,
		       const struct msg_charge *charge, const struct label *label,
		       struct limits_charge *ret)
{
	static const enum limits_algorithm algorithms[] = {
		[ALGORITHM_SLIDING] = LIMITS_SLIDING,
		[ALGORITHM_FIXED] = LIMITS_FIXED,
		[ALGORITHM_BUCKET] = LIMITS_BUCKET,
	};
	struct digest digest;
	int r = counter_digest(k, call, charge, &digest);

	*ret = (struct limits_charge){.algorithm = algorithms[charge->algorithm],
				      .counts_values = charge->kind == CHARGE_VALUE,
				      .window_ms = charge->window_ms == IPC_WINDOW_LIFETIME
							   ? LIMITS_LIFETIME_MS
							   : charge->window_ms,
				      .keep_ms = charge->keep_ms,
				      .is_for_ever = charge->keep_for_ever,
				      .max = charge->max,
				      .amount = charge->amount,
				      .label = label->text};
	memcpy(ret->key, digest.b, LIMITS_KEY_BYTES);
	/* What is told apart is kept for its window alone: there may be much of it. */
	if (charge->kind != CHARGE_AMOUNT && !ret->keep_ms)
		ret->keep_ms = 1;
	if (charge->kind == CHARGE_AMOUNT && ret->keep_ms < LIMITS_KEEP_MS)
		ret->keep_ms = LIMITS_KEEP_MS;
	if (!r && charge->kind == CHARGE_VALUE)
		r = value_key(k, &digest, charge->value_sha256, ret->value);
	if (!r && charge->kind == CHARGE_ONCE)
		r = value_key(k, &digest, charge->value_sha256, ret->key);
	return r;
}

int keeper_charge(struct keeper *k, const struct msg_call *call, struct limits_answer *ret)
{
	struct limits_charge charges[IPC_CHARGES_MAX];
	struct label labels[IPC_CHARGES_MAX];

	for (size_t i = 0; i < call->n_charges; i++) {
		int r;

		describe_counter(k, call, &call->charges[i], &labels[i]);
		r = make_charge(k, call, &call->charges[i], &labels[i], &charges[i]);
		if (r)
			return r;
	}
	return limits_charge(k->limits, charges, call->n_charges, ret);
}

/* --- what is said ---------------------------------------------------------------- */

uint64_t keeper_wait_s(uint64_t ms)
{
	return ms / 1000 + (ms % 1000 > 0);
}

/* As a policy would say it: "minute", "90 seconds". */
static void window_text(uint64_t window_ms, char *ret, size_t size)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} words[] = {{1000, "second"},
		     {60000, "minute"},
		     {3600000, "hour"},
		     {86400000, "day"},
		     {LIMITS_WEEK_MS, "week"},
		     {IPC_WINDOW_MONTH_MS, "month"},
		     {IPC_WINDOW_LIFETIME, "lifetime"}};

	bool is_whole = window_ms % 1000 == 0;

	snprintf(ret, size, "%lu %s", (unsigned long)(is_whole ? window_ms / 1000 : window_ms),
		 is_whole ? "seconds" : "ms");
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].ms == window_ms)
			snprintf(ret, size, "%s", words[i].text);
}

static void describe_once(const struct msg_charge *charge, uint64_t retry_after_ms, char *ret,
			  size_t size)
{
	char window[32], end[32] = "";

	window_text(charge->window_ms, window, sizeof(window));
	if (retry_after_ms != UINT64_MAX)
		snprintf(end, sizeof(end), "; retry in %lu s",
			 (unsigned long)keeper_wait_s(retry_after_ms));
	snprintf(ret, size, "a call with this key was forwarded already, and passes once per %s%s",
		 window, end);
}

void keeper_describe_limit(const struct msg_call *call, const struct limits_answer *limits,
			   char *ret, size_t size)
{
	static const char *const scopes[] = {
		[SCOPE_GRANT] = "for this grant",
		[SCOPE_SESSION] = "in this session, which is the run",
		[SCOPE_RUN] = "in this run",
		[SCOPE_SERVER] = "for this server",
		[SCOPE_GLOBAL] = "in all",
	};
	const struct msg_charge *charge = &call->charges[limits->over];
	bool never = limits->retry_after_ms == UINT64_MAX;
	char window[32], end[96];

	if (charge->kind == CHARGE_ONCE) {
		describe_once(charge, limits->retry_after_ms, ret, size);
		return;
	}
	window_text(charge->window_ms, window, sizeof(window));
	if (never)
		snprintf(end, sizeof(end), ", and this call counts %lu: no such call can pass",
			 (unsigned long)charge->amount);
	else
		snprintf(end, sizeof(end), "; retry in %lu s",
			 (unsigned long)keeper_wait_s(limits->retry_after_ms));
	snprintf(ret, size, "the limit `%.*s` %s at most %lu%s per %s %s%s", (int)charge->counter.n,
		 charge->counter.p, never ? "allows" : "is used up:", (unsigned long)charge->max,
		 charge->kind == CHARGE_VALUE ? " different values" : "", window,
		 scopes[charge->scope], end);
}
