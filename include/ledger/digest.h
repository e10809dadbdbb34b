/* SPDX-License-Identifier: Apache-2.0 */
/**
 * ledger/digest.h - SHA-256, HMAC-SHA256 and the Merkle tree hash of RFC 6962 §2.1
 */
#ifndef MCPJAIL_LEDGER_DIGEST_H
#define MCPJAIL_LEDGER_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

#define DIGEST_BYTES 32
#define DIGEST_HEX   65 /* with its NUL */

struct digest {
	uint8_t b[DIGEST_BYTES];
};

/* Its memory, and the key of its HMAC. */
struct hasher;

/** hasher_new() - Return: NULL without memory */
struct hasher *hasher_new(void);
void hasher_free(struct hasher *h);

static inline void hasher_cleanup(struct hasher **h)
{
	hasher_free(*h);
}

#define autohasher __attribute__((cleanup(hasher_cleanup)))

/** hasher_sha256() - Of several pieces, one after the other. Return: 0; -EIO */
int hasher_sha256(struct hasher *h, const struct span *pieces, size_t n, struct digest *ret);

/** hasher_set_key() - The key of hasher_hmac() */
void hasher_set_key(struct hasher *h, const uint8_t key[DIGEST_BYTES]);

/** hasher_hmac() - HMAC-SHA256. Return: 0; -EIO, also without a key */
int hasher_hmac(struct hasher *h, struct span bytes, struct digest *ret);

/* The tree of all leaves so far, as the roots of its perfect subtrees, largest first. */
struct merkle {
	uint64_t size; /* leaves */
	struct digest roots[64];
};

/** merkle_add() - Add one leaf, by its bytes. Return: 0; -EIO, nothing changed */
int merkle_add(struct merkle *m, struct hasher *h, struct span leaf);

/** merkle_root() - Return: 0; -EIO */
int merkle_root(const struct merkle *m, struct hasher *h, struct digest *ret);

#endif
