// SPDX-License-Identifier: Apache-2.0
#define OPENSSL_SUPPRESS_DEPRECATED  /* EVP looks up what is called here by name: 0.3 ms at start  \
				      */
#include "ledger/digest.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "base/cleanup.h"

#define BLOCK_BYTES 64 /* of SHA-256 */

struct hasher {
	SHA256_CTX ctx;
	bool has_key;
	uint8_t inner[BLOCK_BYTES], outer[BLOCK_BYTES]; /* the key, padded */
};

struct hasher *hasher_new(void)
{
	return calloc(1, sizeof(struct hasher));
}

void hasher_free(struct hasher *h)
{
	if (!h)
		return;
	OPENSSL_cleanse(h->inner, sizeof(h->inner));
	OPENSSL_cleanse(h->outer, sizeof(h->outer));
	free(h);
}

int hasher_sha256(struct hasher *h, const struct span *pieces, size_t n, struct digest *ret)
{
	bool is_ok = SHA256_Init(&h->ctx);

	for (size_t i = 0; is_ok && i < n; i++)
		is_ok = SHA256_Update(&h->ctx, pieces[i].p, pieces[i].n);
	return is_ok && SHA256_Final(ret->b, &h->ctx) ? 0 : -EIO;
}

/* RFC 2104. OpenSSL's own costs a third of a millisecond to look up. */
void hasher_set_key(struct hasher *h, const uint8_t key[DIGEST_BYTES])
{
	for (size_t i = 0; i < BLOCK_BYTES; i++) {
		uint8_t k = i < DIGEST_BYTES ? key[i] : 0;

		h->inner[i] = k ^ 0x36;
		h->outer[i] = k ^ 0x5c;
	}
	h->has_key = true;
}

int hasher_hmac(struct hasher *h, struct span bytes, struct digest *ret)
{
	struct digest digest;
	struct span inner[] = {span_bytes(h->inner, BLOCK_BYTES), bytes};
	struct span outer[] = {span_bytes(h->outer, BLOCK_BYTES),
			       span_bytes(digest.b, DIGEST_BYTES)};
	int r = h->has_key ? hasher_sha256(h, inner, ARRAY_SIZE(inner), &digest) : -EIO;

	return r ? r : hasher_sha256(h, outer, ARRAY_SIZE(outer), ret);
}

/* RFC 6962 §2.1: leaves and nodes are told apart by a first byte. */
static int hash_leaf(struct hasher *h, struct span leaf, struct digest *ret)
{
	struct span pieces[] = {span_bytes("\0", 1), leaf};

	return hasher_sha256(h, pieces, ARRAY_SIZE(pieces), ret);
}

static int hash_node(struct hasher *h, const struct digest *left, const struct digest *right,
		     struct digest *ret)
{
	struct span pieces[] = {span_bytes("\1", 1), span_bytes(left->b, DIGEST_BYTES),
				span_bytes(right->b, DIGEST_BYTES)};

	return hasher_sha256(h, pieces, ARRAY_SIZE(pieces), ret);
}

/* There is one root for each bit that is set in @size: joining is adding one to it. */
int merkle_add(struct merkle *m, struct hasher *h, struct span leaf)
{
	size_t top = (size_t)__builtin_popcountll(m->size);
	struct digest node;
	int r = hash_leaf(h, leaf, &node);

	for (uint64_t bit = 1; !r && (m->size & bit); bit <<= 1)
		r = hash_node(h, &m->roots[--top], &node, &node);
	if (r)
		return r;
	m->roots[top] = node;
	m->size++;
	return 0;
}

int merkle_root(const struct merkle *m, struct hasher *h, struct digest *ret)
{
	size_t top = (size_t)__builtin_popcountll(m->size);
	struct digest node;
	int r = 0;

	if (!top)
		return hasher_sha256(h, NULL, 0, ret);
	node = m->roots[--top];
	while (!r && top)
		r = hash_node(h, &m->roots[--top], &node, &node);
	if (!r)
		*ret = node;
	return r;
}
