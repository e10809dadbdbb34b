// SPDX-License-Identifier: Apache-2.0
#include "broker/broker.h"

/* How many refusals are recorded singly is the keeper's to bound. */
void broker_record(struct broker *b, const struct caller *c, const struct broker_note *note)
{
	autobuf struct buf exec = BUF_INIT(IPC_EXEC_MAX);
	struct msg_event event = {
		.kind = (uint8_t)note->kind,
		.protocol = span_of(note->protocol),
		.address = span_of(note->address),
		.port = note->port,
		.rule = span_of(note->rule),
		.reason = span_of(note->reason),
		.detail = span_of(note->detail),
	};

	if (!owner_describe(&b->owners, c->call.tid, &exec))
		event.exec = span_bytes(exec.data, exec.len);
	/* A keeper that is gone ends the run; the call has its answer all the same. */
	(void)channel_send(&b->keeper, MSG_BROKER_EVENT, &event);
}
