// SPDX-License-Identifier: Apache-2.0
#define OPENSSL_SUPPRESS_DEPRECATED /* why: base/crypto.h; their successors look things up */
#include "base/crypto.h"

#include <errno.h>
#include <sys/random.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#define PLAIN_INIT                                                                                 \
	(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_NO_ADD_ALL_CIPHERS)
#define NO_TLS_INIT (OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_NO_ADD_ALL_DIGESTS)

/* The kernel blocks only until it has been seeded, once after it started. */
static int random_bytes(unsigned char *ret, int n)
{
	int done = 0;

	while (done < n) {
		ssize_t got = getrandom(ret + done, (size_t)(n - done), 0);

		if (got < 0 && errno != EINTR)
			return 0;
		done += got > 0 ? (int)got : 0;
	}
	return 1;
}

static int random_status(void)
{
	return 1;
}

int crypto_init(bool for_tls)
{
	static const RAND_METHOD kernels = {
		.bytes = random_bytes, .pseudorand = random_bytes, .status = random_status};
	uint64_t options = (uint64_t)PLAIN_INIT | (uint64_t)(for_tls ? 0 : NO_TLS_INIT);

	if (OPENSSL_init_crypto(options, NULL) != 1 || RAND_set_rand_method(&kernels) != 1)
		return -EIO;
	return 0;
}

void crypto_sha256(const void *bytes, size_t n, uint8_t ret[CRYPTO_SHA256_BYTES])
{
	SHA256_CTX ctx;

	SHA256_Init(&ctx);
	SHA256_Update(&ctx, bytes, n);
	SHA256_Final(ret, &ctx);
}
