/* SPDX-License-Identifier: Apache-2.0 */
/**
 * ledger/record.h - one record being built: a JSON object on one line
 *
 * Typed fields only, each function adding one. The first failure sticks in @error and
 * makes the rest do nothing, so that only ledger_commit() need look.
 */
#ifndef MCPJAIL_LEDGER_RECORD_H
#define MCPJAIL_LEDGER_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

#define RECORD_MAX       (768 * 1024) /* bytes of a line: the largest arguments, all escaped */
#define RECORD_TIME_SIZE 40

struct record {
	struct buf line;
	int error; /* 0; -errno */
	bool needs_comma;
};

/** record_open() - Begin an object in an empty record */
void record_open(struct record *r);
void record_string(struct record *r, const char *key, struct span text);
void record_u64(struct record *r, const char *key, uint64_t value);
void record_ms(struct record *r, const char *key, uint64_t us); /* milliseconds, three decimals */
void record_bool(struct record *r, const char *key, bool value);
void record_null(struct record *r, const char *key);
void record_hex(struct record *r, const char *key, struct span bytes);

/**
 * record_json() - A value that somebody else wrote as JSON text
 *
 * As it is if it is well-formed (ledger/scan.h), else as a string of it. "" becomes null.
 */
void record_json(struct record *r, const char *key, struct span text);

/** record_begin_list() - A list of objects; each between record_begin_item() and _end_item() */
void record_begin_list(struct record *r, const char *key);
void record_begin_item(struct record *r);
void record_end_item(struct record *r);
void record_end_list(struct record *r);
void record_close(struct record *r);

/** record_format_time() - RFC 3339, UTC, microseconds. Reads no file, unlike gmtime() */
void record_format_time(uint64_t unix_ns, char ret[RECORD_TIME_SIZE]);

#endif
