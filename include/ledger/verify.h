/* SPDX-License-Identifier: Apache-2.0 */
/**
 * ledger/verify.h - whether a run's records are what its keeper wrote
 *
 * Checks every byte of ledger.jsonl against the chain and against each checkpoint, and
 * what status.json, policy.json and tools.json say against the ledger. Without an anchor
 * from elsewhere a ledger that was rebuilt whole, with another key, passes.
 */
#ifndef MCPJAIL_LEDGER_VERIFY_H
#define MCPJAIL_LEDGER_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "ledger/digest.h"
#include "ledger/note.h"

#define VERIFY_ANCHOR_MAX 160

/* Also the exit status of `mcpjail verify`. */
enum verify_outcome {
	VERIFY_COMPLETE = 0,
	VERIFY_TAMPERED = 1,    /* changed, or cut short */
	VERIFY_CANNOT = 2,      /* nothing to check, or not to be understood */
	VERIFY_INTERRUPTED = 3, /* whole so far, but the run did not end, or has not yet */
};

struct verify_result {
	enum verify_outcome outcome;
	uint64_t records;           /* that were found good */
	uint64_t signed_size;       /* records that a checkpoint covers */
	bool has_bad_record;        /* the next two name it */
	uint64_t bad_seq, bad_line; /* lines count from 1 */
	bool is_torn;               /* the last line is unfinished */
	char run_id[NOTE_NAME_MAX];
	char head[DIGEST_HEX]; /* SHA-256 of the last good line; "" if there is none */
	char fingerprint[NOTE_FINGERPRINT_HEX];
	struct error problem; /* unless complete */
};

/**
 * verify_run() - Check a run directory
 * @anchor: "HEAD" or "HEAD:FINGERPRINT", as a run prints at its end; NULL: none
 *
 * Never fails otherwise than by VERIFY_CANNOT.
 */
void verify_run(int run_dirfd, const char *anchor, struct verify_result *ret);

#endif
