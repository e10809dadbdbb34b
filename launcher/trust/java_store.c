// SPDX-License-Identifier: Apache-2.0
/*
 * The whole store is one nest of elements around the entries:
 *
 *	PFX { 3, data { AuthenticatedSafe { data { SafeContents { entry… } } } } }
 *
 * The entries can be made before the last certificate is known; the head is written from
 * the inside outwards once their length is.
 */
#include "trust/java_store.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "trust/der.h"

#define PEM_BEGIN       "-----BEGIN CERTIFICATE-----"
#define PEM_END         "-----END CERTIFICATE-----"
#define CERTIFICATE_MAX 32768 /* bytes of DER; the longest roots have some 2 kB */
#define ATTRIBUTES_MAX  512
#define BMP_STRING      0x1e

static const uint8_t oid_cert_bag[] = {0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7,
				       0x0d, 0x01, 0x0c, 0x0a, 0x01, 0x03};
static const uint8_t oid_x509_certificate[] = {0x06, 0x0a, 0x2a, 0x86, 0x48, 0x86,
					       0xf7, 0x0d, 0x01, 0x09, 0x16, 0x01};
static const uint8_t oid_friendly_name[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
					    0xf7, 0x0d, 0x01, 0x09, 0x14};
static const uint8_t oid_data[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
				   0xf7, 0x0d, 0x01, 0x07, 0x01};
/* A whole Attribute: trustedKeyUsage { anyExtendedKeyUsage } */
static const uint8_t trusted_for_anything[] = {0x30, 0x16, 0x06, 0x0c, 0x60, 0x86, 0x48, 0x01,
					       0x86, 0xf9, 0x66, 0xad, 0xca, 0x7b, 0x01, 0x01,
					       0x31, 0x06, 0x06, 0x04, 0x55, 0x1d, 0x25, 0x00};
static const uint8_t version_3[] = {0x02, 0x01, 0x03};

/* --- PEM -------------------------------------------------------------------------- */

#define BASE64_BLANK   64 /* a bit that no value has */
#define BASE64_WRONG   65
#define BASE64_AT_ONCE 64 /* digits: a line, mostly */

/* Of each byte: its six bits, or one of the above. */
struct base64 {
	uint8_t values[256];
};

static void base64_init(struct base64 *b)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	static const char blanks[] = " \t\r\n";

	memset(b->values, BASE64_WRONG, sizeof(b->values));
	for (uint8_t i = 0; digits[i]; i++)
		b->values[(uint8_t)digits[i]] = i;
	for (size_t i = 0; blanks[i]; i++)
		b->values[(uint8_t)blanks[i]] = BASE64_BLANK;
}

/* What is nearly all of a text: digits and nothing else. Return: how many were taken, fours */
static size_t decode_digits(const struct base64 *b, struct span text, uint8_t *ret, size_t *n)
{
	size_t i = 0;

	for (; i + 4 <= text.n && i < BASE64_AT_ONCE; i += 4) {
		uint8_t four[4];
		uint32_t bits;

		for (size_t j = 0; j < 4; j++)
			four[j] = b->values[(uint8_t)text.p[i + j]];
		if ((four[0] | four[1] | four[2] | four[3]) & BASE64_BLANK)
			break;
		bits = (uint32_t)four[0] << 18 | (uint32_t)four[1] << 12 | (uint32_t)four[2] << 6 |
		       four[3];
		ret[(*n)++] = (uint8_t)(bits >> 16);
		ret[(*n)++] = (uint8_t)(bits >> 8);
		ret[(*n)++] = (uint8_t)bits;
	}
	return i;
}

/* Blanks and line ends between the digits do not count; the first '=' is the end. */
static bool base64_decode(const struct base64 *b, struct span text, uint8_t *ret, size_t *ret_n)
{
	uint32_t bits = 0;
	unsigned n_bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < text.n && text.p[i] != '='; i++) {
		uint8_t value;

		if (!n_bits && n + BASE64_AT_ONCE / 4 * 3 <= CERTIFICATE_MAX)
			i += decode_digits(b, span_bytes(text.p + i, text.n - i), ret, &n);
		if (i == text.n || text.p[i] == '=')
			break;
		value = b->values[(uint8_t)text.p[i]];
		if (value == BASE64_BLANK)
			continue;
		if (value == BASE64_WRONG)
			return false;
		bits = bits << 6 | value;
		n_bits += 6;
		if (n_bits < 8)
			continue;
		if (n == CERTIFICATE_MAX)
			return false;
		n_bits -= 8;
		ret[n++] = (uint8_t)(bits >> n_bits);
	}
	*ret_n = n;
	return true;
}

/* One SEQUENCE with a length of two bytes, as every certificate is, and nothing behind it. */
static bool is_certificate(const uint8_t *der, size_t n)
{
	return n > 4 && der[0] == DER_SEQUENCE && der[1] == 0x82 &&
	       4 + ((size_t)der[2] << 8 | der[3]) == n;
}

/* As memmem(): there are few hyphens elsewhere, and memchr() is much the faster. */
static const char *find_mark(struct span text, const char *mark)
{
	size_t n = strlen(mark);

	while (text.n >= n) {
		const char *at = memchr(text.p, mark[0], text.n - n + 1);

		if (!at || !memcmp(at, mark, n))
			return at;
		text = span_bytes(at + 1, text.n - (size_t)(at + 1 - text.p));
	}
	return NULL;
}

/* Moves @text behind the next certificate's base64, which is in @ret. */
static bool next_block(struct span *text, struct span *ret)
{
	const char *begin = find_mark(*text, PEM_BEGIN), *end;

	if (!begin)
		return false;
	begin += strlen(PEM_BEGIN);
	*text = span_bytes(begin, text->n - (size_t)(begin - text->p));
	end = find_mark(*text, PEM_END);
	if (!end)
		return false;
	*ret = span_bytes(begin, (size_t)(end - begin));
	*text = span_bytes(end, text->n - (size_t)(end - begin));
	return true;
}

/* --- entries ------------------------------------------------------------------------ */

/* As BMPString: two bytes a character. */
static void put_name(struct der *d, const char *name)
{
	size_t attribute = der_begin(d, DER_SEQUENCE), values;
	uint8_t wide[2 * JAVA_STORE_NAME_MAX];
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++) {
		wide[2 * i] = 0;
		wide[2 * i + 1] = (uint8_t)name[i];
	}
	der_raw(d, oid_friendly_name, sizeof(oid_friendly_name));
	values = der_begin(d, DER_SET);
	der_put(d, BMP_STRING, wide, 2 * n);
	der_end(d, values);
	der_end(d, attribute);
}

/* CertBag around a certificate: lengths first, since moving what is long costs the most here. */
static void put_bag(struct der *d, const uint8_t *certificate, size_t n,
		    const struct buf *attributes)
{
	size_t octets = der_size(n), cert_value = der_size(octets);
	size_t cert_bag = der_size(sizeof(oid_x509_certificate) + cert_value);
	size_t value = der_size(cert_bag);

	der_head(d, DER_SEQUENCE, sizeof(oid_cert_bag) + value + attributes->len);
	der_raw(d, oid_cert_bag, sizeof(oid_cert_bag));
	der_head(d, DER_CONTEXT | DER_CONSTRUCTED | 0, cert_bag);
	der_head(d, DER_SEQUENCE, sizeof(oid_x509_certificate) + cert_value);
	der_raw(d, oid_x509_certificate, sizeof(oid_x509_certificate));
	der_head(d, DER_CONTEXT | DER_CONSTRUCTED | 0, octets);
	der_head(d, DER_OCTET_STRING, n);
	der_raw(d, certificate, n);
	der_raw(d, attributes->data, attributes->len);
}

static void put_attributes(struct der *d, const char *name)
{
	size_t attributes = der_begin(d, DER_SET);

	if (name)
		put_name(d, name);
	der_raw(d, trusted_for_anything, sizeof(trusted_for_anything));
	der_end(d, attributes);
}

int java_store_add(struct buf *entries, struct span pem, const char *name)
{
	struct der d = {.bytes = *entries}, attributes = {.bytes = BUF_INIT(ATTRIBUTES_MAX)};
	uint8_t certificate[CERTIFICATE_MAX];
	struct base64 base64;
	struct span block;

	if (name && strlen(name) > JAVA_STORE_NAME_MAX)
		return -EINVAL;
	base64_init(&base64);
	put_attributes(&attributes, name);
	d.error = attributes.error;
	/* At once, rather than in pieces that move: base64 is the longer by more than is added. */
	(void)buf_reserve(&d.bytes, pem.n);
	while (!d.error && next_block(&pem, &block)) {
		size_t n;

		if (base64_decode(&base64, block, certificate, &n) &&
		    is_certificate(certificate, n))
			put_bag(&d, certificate, n, &attributes.bytes);
	}
	buf_free(&attributes.bytes);
	*entries = d.bytes;
	return d.error;
}

/* --- the head ------------------------------------------------------------------------- */

/* Filled from its end. */
struct head {
	uint8_t bytes[JAVA_STORE_HEAD_MAX];
	size_t at;       /* of the first byte that is filled */
	size_t contents; /* bytes from there to the end of the store */
};

static void prepend(struct head *h, const uint8_t *bytes, size_t n)
{
	h->at -= n;
	h->contents += n;
	memcpy(h->bytes + h->at, bytes, n);
}

/* Makes all that follows the contents of one element; a length of four bytes always fits. */
static void enclose(struct head *h, uint8_t tag)
{
	uint8_t begin[6] = {tag, 0x84};
	size_t n_length = 0, n = h->contents;

	if (n < 0x80) {
		begin[1] = (uint8_t)n;
	} else {
		while (n >> (8 * n_length))
			n_length++;
		begin[1] = (uint8_t)(0x80 | n_length);
		for (size_t i = 0; i < n_length; i++)
			begin[2 + i] = (uint8_t)(n >> (8 * (n_length - 1 - i)));
	}
	prepend(h, begin, 2 + n_length);
}

static void enclose_as_data(struct head *h)
{
	enclose(h, DER_OCTET_STRING);
	enclose(h, DER_CONTEXT | DER_CONSTRUCTED | 0);
	prepend(h, oid_data, sizeof(oid_data));
	enclose(h, DER_SEQUENCE);
}

size_t java_store_head(size_t n_entries, uint8_t *ret_head)
{
	struct head h = {.at = JAVA_STORE_HEAD_MAX, .contents = n_entries};
	size_t n;

	enclose(&h, DER_SEQUENCE); /* SafeContents */
	enclose_as_data(&h);
	enclose(&h, DER_SEQUENCE); /* AuthenticatedSafe */
	enclose_as_data(&h);
	prepend(&h, version_3, sizeof(version_3));
	enclose(&h, DER_SEQUENCE); /* PFX */
	n = sizeof(h.bytes) - h.at;
	memcpy(ret_head, h.bytes + h.at, n);
	return n;
}

/* --- is Java there ---------------------------------------------------------------------- */

static bool is_program(const char *dir, size_t n, const char *below)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%.*s%s/java", (int)n, dir, below) <
		       (int)sizeof(path) &&
	       access(path, X_OK) == 0;
}

bool java_is_installed(const char *path, const char *java_home)
{
	if (java_home && *java_home && is_program(java_home, strlen(java_home), "/bin"))
		return true;
	while (path && *path) {
		size_t n = strcspn(path, ":");

		if (n && n < PATH_MAX && is_program(path, n, ""))
			return true;
		path += n + (path[n] == ':');
	}
	return false;
}
