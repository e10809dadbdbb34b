// SPDX-License-Identifier: Apache-2.0
#include "ledger/note.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "ledger/scan.h"

#define KEY_ID_BYTES       4
#define SIGNATURE_BYTES    64
#define ALGORITHM_ED25519  0x01
#define SIGNATURE_BLOB     (KEY_ID_BYTES + SIGNATURE_BYTES)
#define BASE64_SIZE(bytes) (((bytes) + 2) / 3 * 4 + 1)
#define EM_DASH            "\xe2\x80\x94"

struct note_signer {
	struct note_key key;
	EVP_PKEY *pkey;
};

static void pkey_cleanup(EVP_PKEY **pkey)
{
	EVP_PKEY_free(*pkey);
}

static void md_ctx_cleanup(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

#define autopkey  __attribute__((cleanup(pkey_cleanup)))
#define automdctx __attribute__((cleanup(md_ctx_cleanup)))

int note_signer_new(const char *name, struct note_signer **ret)
{
	autopkey EVP_PKEY *pkey = NULL;
	struct note_signer *signer;
	size_t n = NOTE_KEY_BYTES;

	if (!*name || strlen(name) >= NOTE_NAME_MAX || strpbrk(name, " +\t\r\n"))
		return -EINVAL;
	pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	signer = calloc(1, sizeof(*signer));
	if (!pkey || !signer || !EVP_PKEY_get_raw_public_key(pkey, signer->key.public_key, &n) ||
	    n != NOTE_KEY_BYTES) {
		free(signer);
		return -EIO;
	}
	memcpy(signer->key.name, name, strlen(name) + 1);
	signer->pkey = ptr_take(&pkey);
	*ret = signer;
	return 0;
}

void note_signer_free(struct note_signer *signer)
{
	if (!signer)
		return;
	EVP_PKEY_free(signer->pkey);
	free(signer);
}

const struct note_key *note_signer_key(const struct note_signer *signer)
{
	return &signer->key;
}

static int key_id(const struct note_key *key, struct hasher *h, uint8_t ret[KEY_ID_BYTES])
{
	static const uint8_t separator[] = {'\n', ALGORITHM_ED25519};
	struct span pieces[] = {span_of(key->name), span_bytes(separator, sizeof(separator)),
				span_bytes(key->public_key, NOTE_KEY_BYTES)};
	struct digest digest;
	int r = hasher_sha256(h, pieces, ARRAY_SIZE(pieces), &digest);

	if (!r)
		memcpy(ret, digest.b, KEY_ID_BYTES);
	return r;
}

static void base64(const uint8_t *bytes, size_t n, char *ret)
{
	EVP_EncodeBlock((uint8_t *)ret, bytes, (int)n);
}

/* Exactly @n bytes, in the one canonical spelling. */
static int unbase64(struct span text, uint8_t *ret, size_t n)
{
	uint8_t bytes[96];
	char again[BASE64_SIZE(sizeof(bytes))];

	if (n > sizeof(bytes) - 2 || text.n != BASE64_SIZE(n) - 1 ||
	    EVP_DecodeBlock(bytes, (const uint8_t *)text.p, (int)text.n) < (int)n)
		return -EINVAL;
	base64(bytes, n, again);
	if (memcmp(again, text.p, text.n))
		return -EINVAL;
	memcpy(ret, bytes, n);
	return 0;
}

int note_key_format(const struct note_key *key, struct hasher *h, char ret[NOTE_KEY_TEXT_MAX])
{
	uint8_t id[KEY_ID_BYTES], blob[1 + NOTE_KEY_BYTES] = {ALGORITHM_ED25519};
	char id_hex[2 * KEY_ID_BYTES + 1], blob_text[BASE64_SIZE(sizeof(blob))];
	int r = key_id(key, h, id);

	if (r)
		return r;
	memcpy(blob + 1, key->public_key, NOTE_KEY_BYTES);
	text_hex(id, sizeof(id), id_hex);
	base64(blob, sizeof(blob), blob_text);
	snprintf(ret, NOTE_KEY_TEXT_MAX, "%s+%s+%s", key->name, id_hex, blob_text);
	return 0;
}

int note_key_parse(const char *text, struct hasher *h, struct note_key *ret)
{
	const char *first = strchr(text, '+');
	const char *second = first ? strchr(first + 1, '+') : NULL;
	uint8_t blob[1 + NOTE_KEY_BYTES];
	char again[NOTE_KEY_TEXT_MAX];
	struct note_key key;

	if (!second ||
	    !span_copy(span_bytes(text, (size_t)(first - text)), key.name, sizeof(key.name)) ||
	    unbase64(span_of(second + 1), blob, sizeof(blob)))
		return -EINVAL;
	memcpy(key.public_key, blob + 1, NOTE_KEY_BYTES);
	if (note_key_format(&key, h, again) || strcmp(again, text))
		return -EINVAL;
	*ret = key;
	return 0;
}

int note_key_fingerprint(const struct note_key *key, struct hasher *h,
			 char ret[NOTE_FINGERPRINT_HEX])
{
	struct span piece = span_bytes(key->public_key, NOTE_KEY_BYTES);
	struct digest digest;
	int r = hasher_sha256(h, &piece, 1, &digest);

	if (!r)
		text_hex(digest.b, (NOTE_FINGERPRINT_HEX - 1) / 2, ret);
	return r;
}

int note_sign(const struct note_signer *signer, struct hasher *h, uint64_t size,
	      const struct digest *root, struct buf *ret_note)
{
	automdctx EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t blob[SIGNATURE_BLOB];
	char root_text[BASE64_SIZE(DIGEST_BYTES)], blob_text[BASE64_SIZE(SIGNATURE_BLOB)];
	size_t from = ret_note->len, n = SIGNATURE_BYTES;
	int r = key_id(&signer->key, h, blob);

	base64(root->b, DIGEST_BYTES, root_text);
	if (!r)
		r = buf_printf(ret_note, "%s\n%lu\n%s\n", signer->key.name, (unsigned long)size,
			       root_text);
	if (r)
		return r;
	if (!ctx || !EVP_DigestSignInit(ctx, NULL, NULL, NULL, signer->pkey) ||
	    !EVP_DigestSign(ctx, blob + KEY_ID_BYTES, &n, ret_note->data + from,
			    ret_note->len - from))
		return -EIO;
	base64(blob, sizeof(blob), blob_text);
	return buf_printf(ret_note, "\n" EM_DASH " %s %s\n\n", signer->key.name, blob_text);
}

static int check_signature(const struct note_key *key, struct span body, const uint8_t *signature)
{
	autopkey EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
							      key->public_key, NOTE_KEY_BYTES);
	automdctx EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (!pkey || !ctx || !EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey))
		return -EIO;
	if (EVP_DigestVerify(ctx, signature, SIGNATURE_BYTES, (const uint8_t *)body.p, body.n) != 1)
		return -EBADMSG;
	return 0;
}

static bool take_line(struct span *cursor, struct span *ret_line)
{
	const char *end = cursor->n ? memchr(cursor->p, '\n', cursor->n) : NULL;

	if (!end)
		return false;
	*ret_line = span_bytes(cursor->p, (size_t)(end - cursor->p));
	cursor->n -= ret_line->n + 1;
	cursor->p = end + 1;
	return true;
}

int note_open(struct span *cursor, const struct note_key *key, struct hasher *h, uint64_t *ret_size,
	      struct digest *ret_root)
{
	enum { ORIGIN, SIZE, ROOT, GAP, SIGNATURE, END, LINES };
	struct span lines[LINES], rest = *cursor, blob_text, body;
	uint8_t blob[SIGNATURE_BLOB], id[KEY_ID_BYTES];
	char prefix[sizeof(EM_DASH) + NOTE_NAME_MAX + 2];
	struct digest root;
	uint64_t size;
	int r;

	if (!cursor->n)
		return 0;
	for (int i = 0; i < LINES; i++)
		if (!take_line(&rest, &lines[i]))
			return -EBADMSG;
	snprintf(prefix, sizeof(prefix), EM_DASH " %s ", key->name);
	blob_text = lines[SIGNATURE];
	if (blob_text.n < strlen(prefix) || memcmp(blob_text.p, prefix, strlen(prefix)))
		return -EBADMSG;
	blob_text = span_bytes(blob_text.p + strlen(prefix), blob_text.n - strlen(prefix));
	if (!span_equals(lines[ORIGIN], key->name) || !scan_u64(lines[SIZE], &size) ||
	    unbase64(lines[ROOT], root.b, DIGEST_BYTES) || lines[GAP].n ||
	    unbase64(blob_text, blob, sizeof(blob)) || lines[END].n)
		return -EBADMSG;
	r = key_id(key, h, id);
	if (!r && memcmp(id, blob, sizeof(id)))
		r = -EBADMSG;
	body = span_bytes(cursor->p, (size_t)(lines[GAP].p - cursor->p));
	if (!r)
		r = check_signature(key, body, blob + KEY_ID_BYTES);
	if (r)
		return r;
	*cursor = rest;
	*ret_size = size;
	*ret_root = root;
	return 1;
}
