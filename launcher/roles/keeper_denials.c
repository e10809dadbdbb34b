// SPDX-License-Identifier: Apache-2.0
/*
 * Refusals cost the agent nothing: a datagram that nobody takes is one, and it can send
 * hundreds of thousands a second. Each is counted; how many get a record of their own is
 * bounded, so that the ledger cannot be made to fill the disk. What an agent does by
 * mistake is far below the bounds. Calls are records always: each costs a round trip.
 */
#include "roles/keeper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* For the summary: the first hosts that were refused, and how often. Later ones count only. */
static void count_refused(struct keeper *k, const struct msg_event *event)
{
	struct span host = event->host.n ? event->host : event->address;
	struct msg_refused_host *entry = k->refused;
	char *copy, *protocol;

	for (; entry < k->refused + k->n_refused; entry++) {
		if (entry->port == event->port && entry->host.n == host.n &&
		    (!host.n || !memcmp(entry->host.p, host.p, host.n))) {
			entry->count++;
			return;
		}
	}
	if (!host.n || k->n_refused == IPC_REFUSED_MAX)
		return;
	/* One piece of memory for both texts. */
	copy = malloc(host.n + event->protocol.n);
	if (!copy)
		return;
	protocol = copy + host.n;
	memcpy(copy, host.p, host.n);
	if (event->protocol.n)
		memcpy(protocol, event->protocol.p, event->protocol.n);
	*entry = (struct msg_refused_host){
		.host = span_bytes(copy, host.n),
		.port = event->port,
		.protocol = span_bytes(protocol, event->protocol.n),
		.count = 1,
	};
	k->n_refused++;
}

static bool may_be_recorded(struct denials *d, uint64_t now_ms)
{
	if (d->recorded < KEEPER_DENIALS_FIRST) {
		d->recorded++;
		return true;
	}
	if (now_ms - d->second_ms >= 1000) {
		d->second_ms = now_ms;
		d->in_second = 0;
	}
	return d->in_second < KEEPER_DENIALS_A_SECOND && ++d->in_second;
}

bool keeper_admit_denial(struct keeper *k, const struct msg_event *event)
{
	bool is_admitted = may_be_recorded(&k->denials, clock_mono_ms());

	k->status.counts.egress_refused++;
	/* Refused for what it said, not for where it went: the destination itself may be allowed.
	 */
	if (span_equals(event->rule, "/default"))
		count_refused(k, event);
	k->denials.suppressed += !is_admitted;
	return is_admitted;
}

void keeper_note_loopback(struct keeper *k, const struct msg_event *event)
{
	count_refused(k, event);
}

void keeper_record_suppressed(struct keeper *k)
{
	struct record *r;
	char reason[128];

	if (!k->denials.suppressed)
		return;
	snprintf(reason, sizeof(reason),
		 "after the first %d of a run, no more than %d a second are recorded one by one",
		 KEEPER_DENIALS_FIRST, KEEPER_DENIALS_A_SECOND);
	r = ledger_begin(k->ledger, "net.denied");
	record_u64(r, "suppressed", k->denials.suppressed);
	record_string(r, "reason", span_of(reason));
	/* What cannot be written now is counted in the next one. */
	if (!keeper_commit(k))
		k->denials.suppressed = 0;
}
