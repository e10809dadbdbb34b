/* SPDX-License-Identifier: Apache-2.0 */
/**
 * proxy/recorder.h - what the proxy tells the keeper, and the verdicts that come back
 *
 * Sending blocks: the keeper is fast, and a proxy that cannot tell it must not go on. So
 * that the two never block on each other, at most RECORDER_IN_FLIGHT questions are open at
 * a time; more calls wait for their turn here. An error while sending is final: .failed is
 * set, the loop stops, and with the proxy the run ends.
 */
#ifndef MCPJAIL_PROXY_RECORDER_H
#define MCPJAIL_PROXY_RECORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/channel.h"
#include "proxy/loop.h"

#define RECORDER_IN_FLIGHT  64
#define RECORDER_OUTCOMES   32  /* put off at a time */
#define RECORDER_DETAIL_MAX 512 /* bytes of an outcome's detail */

struct recorder_call {
	uint64_t call_id;
	/* It is this call's turn: answer with recorder_send_call() before returning. */
	void (*on_turn)(struct recorder_call *call);
	void (*on_verdict)(struct recorder_call *call, const struct msg_call_verdict *verdict);
	struct recorder_call *next; /* in the queue */
	bool queued, asked;
};

struct recorder_slot {
	uint64_t call_id;           /* 0: free */
	struct recorder_call *call; /* NULL: nobody waits for the verdict any more */
};

/* An outcome that waits for the end of the round. */
struct recorder_outcome {
	struct msg_outcome message; /* its spans point to the members below */
	uint8_t digest[32];
	char detail[RECORDER_DETAIL_MAX];
};

struct recorder {
	struct channel *keeper; /* borrowed */
	struct loop *loop;      /* borrowed: stopped when sending failed */
	uint64_t last_call_id;
	struct recorder_slot slots[RECORDER_IN_FLIGHT];
	size_t in_flight;
	struct recorder_call *first, **last; /* queue */
	struct recorder_outcome outcomes[RECORDER_OUTCOMES];
	size_t n_outcomes;
	bool failed;
};

void recorder_init(struct recorder *r, struct channel *keeper, struct loop *loop);

/** recorder_ask() - Give @call a number and its turn, now or when a verdict made room */
void recorder_ask(struct recorder *r, struct recorder_call *call);

/** recorder_send_call() - From on_turn() only; fills in the number */
void recorder_send_call(struct recorder *r, struct recorder_call *call, struct msg_call *message);

/**
 * recorder_forget() - Nobody waits for @call's verdict any more
 *
 * If the keeper allows it after all, it is reported as not sent, and its charges return.
 */
void recorder_forget(struct recorder *r, struct recorder_call *call);

/** recorder_on_verdict() - Hand a verdict to its call. Return: 0; -EPROTO if none has this number
 */
int recorder_on_verdict(struct recorder *r, const struct msg_call_verdict *verdict);

/**
 * recorder_outcome() - What became of an allowed call; @detail is cut to its bound
 *
 * Put off until something else is told or recorder_flush(): the keeper's wake-up then does
 * not stand between the answer and the agent. A proxy that dies in between leaves a call
 * of unknown outcome, as it would have a moment earlier.
 */
void recorder_outcome(struct recorder *r, const struct msg_outcome *outcome);

/** recorder_flush() - Tell what was put off; at the end of each round of the loop */
void recorder_flush(struct recorder *r);

/** recorder_event() - Anything else; texts are cut to their bounds */
void recorder_event(struct recorder *r, const struct msg_event *event);

/** recorder_tools_served() - A tools/list as the agent got it; too long a one is left out */
void recorder_tools_served(struct recorder *r, const char *server, struct span tools);

#endif
