// SPDX-License-Identifier: Apache-2.0
#include "proxy/recorder.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

/* Bounds of the fields that strangers fill, as in ipc/messages.c's table. */
#define PROTOCOL_MAX 128
#define ADDRESS_MAX  64
#define POINTER_MAX  1024

void recorder_init(struct recorder *r, struct channel *keeper, struct loop *loop)
{
	*r = (struct recorder){.keeper = keeper, .loop = loop};
	r->last = &r->first;
}

static void send_now(struct recorder *r, enum message_type type, const void *value)
{
	int e;

	if (r->failed)
		return;
	e = channel_send(r->keeper, type, value);
	if (!e)
		return;
	log_error("the keeper cannot be told (%s): %s", message_rule(type)->name, strerror(-e));
	r->failed = true;
	r->loop->stop = true;
}

void recorder_flush(struct recorder *r)
{
	size_t n = r->n_outcomes;

	r->n_outcomes = 0;
	for (size_t i = 0; i < n; i++)
		send_now(r, MSG_OUTCOME, &r->outcomes[i].message);
}

/* In the order in which things happened: what was put off goes first. */
static void send(struct recorder *r, enum message_type type, const void *value)
{
	recorder_flush(r);
	send_now(r, type, value);
}

static struct span cut(struct span s, size_t max)
{
	if (s.n > max)
		s.n = max;
	return s;
}

static struct recorder_slot *find_slot(struct recorder *r, uint64_t call_id)
{
	for (size_t i = 0; i < RECORDER_IN_FLIGHT; i++)
		if (r->slots[i].call_id == call_id)
			return &r->slots[i];
	return NULL;
}

static void take_turn(struct recorder *r, struct recorder_call *call)
{
	struct recorder_slot *slot = find_slot(r, 0);

	*slot = (struct recorder_slot){call->call_id, call};
	r->in_flight++;
	call->queued = false;
	call->asked = true;
	call->on_turn(call);
}

void recorder_ask(struct recorder *r, struct recorder_call *call)
{
	call->call_id = ++r->last_call_id;
	/* Nobody overtakes the queue: the keeper sees numbers that only grow. */
	if (!r->first && r->in_flight < RECORDER_IN_FLIGHT) {
		take_turn(r, call);
		return;
	}
	call->queued = true;
	call->next = NULL;
	*r->last = call;
	r->last = &call->next;
}

void recorder_send_call(struct recorder *r, struct recorder_call *call, struct msg_call *message)
{
	message->call_id = call->call_id;
	message->method = cut(message->method, 256);
	message->tool = cut(message->tool, 256);
	message->id_json = cut(message->id_json, 1024);
	message->rule = cut(message->rule, POINTER_MAX);
	message->reason = cut(message->reason, IPC_TEXT_MAX);
	send(r, MSG_CALL, message);
}

static void unqueue(struct recorder *r, struct recorder_call *call)
{
	struct recorder_call **at = &r->first;

	while (*at && *at != call)
		at = &(*at)->next;
	if (*at)
		*at = call->next;
	for (r->last = &r->first; *r->last;)
		r->last = &(*r->last)->next;
	call->queued = false;
}

void recorder_forget(struct recorder *r, struct recorder_call *call)
{
	struct recorder_slot *slot;

	if (call->queued)
		unqueue(r, call);
	if (!call->asked)
		return;
	slot = find_slot(r, call->call_id);
	if (slot)
		slot->call = NULL;
	call->asked = false;
}

static void report_unwanted(struct recorder *r, uint64_t call_id)
{
	recorder_outcome(r, &(struct msg_outcome){
				    .call_id = call_id,
				    .outcome = OUTCOME_NOT_SENT,
				    .detail = span_of("the agent went away before the verdict"),
			    });
}

int recorder_on_verdict(struct recorder *r, const struct msg_call_verdict *verdict)
{
	struct recorder_slot *slot = verdict->call_id ? find_slot(r, verdict->call_id) : NULL;
	struct recorder_call *call;

	if (!slot)
		return -EPROTO;
	call = slot->call;
	*slot = (struct recorder_slot){0, NULL};
	r->in_flight--;
	if (call) {
		call->asked = false;
		call->on_verdict(call, verdict);
	} else if (verdict->verdict) {
		report_unwanted(r, verdict->call_id);
	}
	if (r->first && r->in_flight < RECORDER_IN_FLIGHT) {
		call = r->first;
		unqueue(r, call);
		take_turn(r, call);
	}
	return 0;
}

void recorder_outcome(struct recorder *r, const struct msg_outcome *outcome)
{
	struct recorder_outcome *o;

	if (r->n_outcomes == RECORDER_OUTCOMES)
		recorder_flush(r);
	o = &r->outcomes[r->n_outcomes++];
	o->message = *outcome;
	if (outcome->result_sha256.n == sizeof(o->digest)) {
		memcpy(o->digest, outcome->result_sha256.p, sizeof(o->digest));
		o->message.result_sha256 = span_bytes(o->digest, sizeof(o->digest));
	}
	span_copy(cut(outcome->detail, RECORDER_DETAIL_MAX - 1), o->detail, sizeof(o->detail));
	o->message.detail = span_of(o->detail);
}

void recorder_event(struct recorder *r, const struct msg_event *event)
{
	struct msg_event message = *event;

	message.protocol = cut(message.protocol, PROTOCOL_MAX);
	message.host = cut(message.host, IPC_HOST_MAX);
	message.address = cut(message.address, ADDRESS_MAX);
	message.rule = cut(message.rule, POINTER_MAX);
	message.reason = cut(message.reason, IPC_TEXT_MAX);
	message.detail = cut(message.detail, IPC_TEXT_MAX);
	send(r, MSG_EVENT, &message);
}

void recorder_tools_served(struct recorder *r, const char *server, struct span tools)
{
	if (tools.n <= IPC_TOOLS_MAX)
		send(r, MSG_TOOLS_SERVED,
		     &(struct msg_tools_served){.server = span_of(server), .tools = tools});
}
