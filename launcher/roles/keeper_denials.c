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

#define PROTOCOL_BYTES 16

/* A connection without a word says nothing about why it was made; a later one of the same may. */
static void note_protocol(struct msg_refused_host *entry, struct span protocol)
{
	char *to = (char *)(uintptr_t)entry->protocol.p;

	if (entry->protocol.n && !span_equals(entry->protocol, "tcp"))
		return;
	if (!protocol.n || protocol.n > PROTOCOL_BYTES)
		return;
	memcpy(to, protocol.p, protocol.n);
	entry->protocol.n = protocol.n;
}

static struct msg_refused_host *find_refused(struct keeper *k, struct span host, uint32_t port)
{
	for (size_t i = 0; i < k->n_refused; i++) {
		struct msg_refused_host *entry = &k->refused[i];

		if (entry->port == port && entry->host.n == host.n &&
		    (!host.n || !memcmp(entry->host.p, host.p, host.n)))
			return entry;
	}
	return NULL;
}

/* One piece of memory for both texts; the second may change. */
static struct msg_refused_host *add_refused(struct keeper *k, struct span host, uint32_t port)
{
	char *copy = NULL;

	if (host.n && k->n_refused < IPC_REFUSED_MAX)
		copy = malloc(host.n + PROTOCOL_BYTES);
	if (!copy)
		return NULL;
	memcpy(copy, host.p, host.n);
	k->refused[k->n_refused] = (struct msg_refused_host){
		.host = span_bytes(copy, host.n),
		.port = port,
		.protocol = span_bytes(copy + host.n, 0),
	};
	return &k->refused[k->n_refused++];
}

/* What a rule would allow: a destination, a socket's path, a switch. */
static struct span wanted(const struct msg_event *event)
{
	if (span_equals(event->protocol, EVENT_PROTOCOL_JAIL))
		return event->rule;
	if (span_equals(event->protocol, EVENT_PROTOCOL_UNIX))
		return event->detail.n <= IPC_HOST_MAX ? event->detail : span_of("");
	return event->host.n ? event->host : event->address;
}

/* For the summary: the first hosts that were refused, and how often. Return: false for later ones
 */
static bool count_refused(struct keeper *k, const struct msg_event *event)
{
	struct span host = wanted(event);
	struct msg_refused_host *entry = find_refused(k, host, event->port);

	if (!entry)
		entry = add_refused(k, host, event->port);
	if (!entry)
		return false;
	entry->count++;
	note_protocol(entry, event->protocol);
	return true;
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
	bool is_jail = span_equals(event->protocol, EVENT_PROTOCOL_JAIL);

	/* Programs that can do without try it, and nothing of it would have left. */
	if (!is_jail)
		k->status.counts.egress_refused++;
	/* Refused for what it said, not for where it went: the destination itself may be allowed.
	 */
	if (!is_jail && !span_equals(event->rule, "/default") &&
	    !span_equals(event->rule, "/sockets"))
		k->refused_requests++;
	else if (!count_refused(k, event))
		k->refused_elsewhere++;
	k->denials.suppressed += !is_admitted;
	return is_admitted;
}

void keeper_note_loopback(struct keeper *k, const struct msg_event *event)
{
	size_t n = 0;

	for (size_t i = 0; i < k->n_refused; i++)
		n += span_equals(k->refused[i].protocol, "loopback");
	/* Trying every port of one's own must not push out what was refused on the way elsewhere.
	 */
	if (n < KEEPER_LOOPBACK_MAX || find_refused(k, event->address, event->port))
		(void)count_refused(k, event);
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
