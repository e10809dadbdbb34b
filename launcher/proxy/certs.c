// SPDX-License-Identifier: Apache-2.0
#include "proxy/certs.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

struct leaf {
	char host[CERTS_HOST_MAX + 1];
	X509 *cert;
	uint64_t used; /* the cache's clock at the last look-up */
};

struct certs {
	EVP_PKEY *key;
	uint8_t spki[CERTS_SPKI_MAX];
	size_t spki_n;
	struct leaf *leaves[CERTS_MAX]; /* few in practice: a linear search is the fastest */
	size_t n;
	uint64_t clock;
};

static bool encode_spki(struct certs *certs)
{
	int n = i2d_PUBKEY(certs->key, NULL);
	uint8_t *p = certs->spki;

	if (n <= 0 || (size_t)n > sizeof(certs->spki))
		return false;
	certs->spki_n = (size_t)n;
	return i2d_PUBKEY(certs->key, &p) == n;
}

int certs_new(struct certs **ret)
{
	struct certs *certs = calloc(1, sizeof(*certs));

	if (!certs)
		return -ENOMEM;
	certs->key = EVP_EC_gen("P-256");
	if (!certs->key || !encode_spki(certs)) {
		certs_free(certs);
		return -ENOMEM;
	}
	*ret = certs;
	return 0;
}

static void leaf_free(struct leaf *leaf)
{
	if (leaf)
		X509_free(leaf->cert);
	free(leaf);
}

void certs_free(struct certs *certs)
{
	if (!certs)
		return;
	for (size_t i = 0; i < certs->n; i++)
		leaf_free(certs->leaves[i]);
	EVP_PKEY_free(certs->key);
	free(certs);
}

const uint8_t *certs_spki(const struct certs *certs, size_t *ret_n)
{
	*ret_n = certs->spki_n;
	return certs->spki;
}

EVP_PKEY *certs_key(const struct certs *certs)
{
	return certs->key;
}

static struct leaf **find_slot(struct certs *certs, const char *host)
{
	for (size_t i = 0; i < certs->n; i++)
		if (!strcmp(certs->leaves[i]->host, host))
			return &certs->leaves[i];
	return NULL;
}

/* The slot for a new leaf: a free one, or that of the leaf not asked for the longest. */
static struct leaf **make_slot(struct certs *certs)
{
	struct leaf **oldest = &certs->leaves[0];

	if (certs->n < CERTS_MAX)
		return &certs->leaves[certs->n++];
	for (size_t i = 1; i < CERTS_MAX; i++)
		if (certs->leaves[i]->used < (*oldest)->used)
			oldest = &certs->leaves[i];
	leaf_free(*oldest);
	return oldest;
}

int certs_add(struct certs *certs, const char *host, const void *der, size_t n)
{
	const uint8_t *p = der;
	struct leaf **slot, *leaf;
	X509 *cert;

	if (strlen(host) > CERTS_HOST_MAX)
		return -ENAMETOOLONG;
	cert = d2i_X509(NULL, &p, (long)n);
	if (!cert || p != (const uint8_t *)der + n || !X509_check_private_key(cert, certs->key)) {
		X509_free(cert);
		ERR_clear_error();
		return -EINVAL;
	}
	leaf = calloc(1, sizeof(*leaf));
	if (!leaf) {
		X509_free(cert);
		return -ENOMEM;
	}
	strcpy(leaf->host, host);
	leaf->cert = cert;
	leaf->used = ++certs->clock;
	slot = find_slot(certs, host);
	if (slot)
		leaf_free(*slot);
	else
		slot = make_slot(certs);
	*slot = leaf;
	return 0;
}

X509 *certs_find(struct certs *certs, const char *host)
{
	struct leaf **slot = find_slot(certs, host);

	if (!slot)
		return NULL;
	(*slot)->used = ++certs->clock;
	return (*slot)->cert;
}
