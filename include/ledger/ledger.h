/* SPDX-License-Identifier: Apache-2.0 */
/**
 * ledger/ledger.h - the writer of a run's ledger.jsonl and checkpoints
 *
 * Each record names the SHA-256 of the line before it; each line is a leaf of a Merkle tree
 * whose root the run's own key signs now and then. When ledger_commit() has returned 0 the
 * record outlives any of our processes; when ledger_flush() has, it is on disk.
 *
 * A ledger that could not be opened is a ledger too: every commit fails with the reason.
 */
#ifndef MCPJAIL_LEDGER_LEDGER_H
#define MCPJAIL_LEDGER_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "ledger/digest.h"
#include "ledger/note.h"
#include "ledger/record.h"

#define LEDGER_VERSION     1
#define LEDGER_FAILURE_MAX 512
#define LEDGER_ORIGIN      "mcpjail/" /* and the run's id: the name of its key */

struct ledger;

/**
 * ledger_new() - Make ledger.jsonl and checkpoints in a run's directory, and the run's key
 * @run_dirfd: Not retained. The files must not exist yet
 *
 * Return: 0, also if the files cannot be made: ledger_failure() says why; -ENOMEM; -EIO if
 * there is no key to be had
 */
int ledger_new(int run_dirfd, const char *run_id, struct ledger **ret);

/** ledger_free() - Closes the files and wipes the key; writes nothing */
void ledger_free(struct ledger *l);

/** ledger_begin() - Begin a record. Return: borrowed, to be filled until ledger_commit() */
struct record *ledger_begin(struct ledger *l, const char *type);

/**
 * ledger_commit() - Append the record that ledger_begin() began, by one write(2)
 *
 * Return: 0; -errno: the file is as before, and ledger_failure() says what went wrong
 */
int ledger_commit(struct ledger *l);

/** ledger_checkpoint() - Sign what has been appended since the last one, if anything. Return: 0;
 * -errno */
int ledger_checkpoint(struct ledger *l);

/** ledger_flush() - fdatasync what has been appended, if anything. Return: 0; -errno */
int ledger_flush(struct ledger *l);

/** ledger_is_dirty() - Whether there is anything to sign or flush */
bool ledger_is_dirty(const struct ledger *l);

/** ledger_head() - SHA-256 of the last line, in hexadecimal: what an anchor holds */
void ledger_head(const struct ledger *l, char ret[DIGEST_HEX]);

/** ledger_key() - The run's public key */
const struct note_key *ledger_key(const struct ledger *l);

/** ledger_wipe_key() - After the last checkpoint */
void ledger_wipe_key(struct ledger *l);

/** ledger_lost() - Records that could not be appended */
uint64_t ledger_lost(const struct ledger *l);

/** ledger_failure() - What went wrong last, in words; "" if nothing ever did. Borrowed */
const char *ledger_failure(const struct ledger *l);

#endif
