/* SPDX-License-Identifier: Apache-2.0 */
/**
 * ledger/note.h - checkpoints: C2SP signed notes over the ledger's Merkle tree
 *
 * The body is a tlog-checkpoint (origin, size, root in base64), the signature Ed25519, both
 * as https://c2sp.org/tlog-checkpoint and https://c2sp.org/signed-note describe them, so that
 * tools not of our making can check them. The file `checkpoints` holds notes with an empty
 * line between them.
 */
#ifndef MCPJAIL_LEDGER_NOTE_H
#define MCPJAIL_LEDGER_NOTE_H

#include "base/buf.h"
#include "base/span.h"
#include "ledger/digest.h"

#define NOTE_NAME_MAX        96  /* with its NUL */
#define NOTE_KEY_BYTES       32  /* of an Ed25519 public key */
#define NOTE_KEY_TEXT_MAX    192 /* with its NUL */
#define NOTE_FINGERPRINT_HEX 33  /* with its NUL: half of the SHA-256 of the public key */
#define NOTE_MAX             512 /* bytes of one note */

struct note_signer; /* holds the private key, in locked memory where the system allows */

/* A public key that notes are checked with. */
struct note_key {
	char name[NOTE_NAME_MAX]; /* also the origin: "mcpjail/" and the run's id */
	uint8_t public_key[NOTE_KEY_BYTES];
};

/** note_signer_new() - A fresh key. Return: 0; -EINVAL for a name with spaces or plus; -EIO */
int note_signer_new(const char *name, struct note_signer **ret);

/** note_signer_free() - Wipes the key */
void note_signer_free(struct note_signer *signer);
const struct note_key *note_signer_key(const struct note_signer *signer);

/** note_key_format() - "name+hash+key": the verifier key of C2SP signed-note */
int note_key_format(const struct note_key *key, struct hasher *h, char ret[NOTE_KEY_TEXT_MAX]);

/** note_key_parse() - Return: 0; -EINVAL unless @text is what note_key_format() yields */
int note_key_parse(const char *text, struct hasher *h, struct note_key *ret);

/** note_key_fingerprint() - Return: 0; -EIO */
int note_key_fingerprint(const struct note_key *key, struct hasher *h,
			 char ret[NOTE_FINGERPRINT_HEX]);

/** note_sign() - Append a note, with the empty line behind it. Return: 0; -errno */
int note_sign(const struct note_signer *signer, struct hasher *h, uint64_t size,
	      const struct digest *root, struct buf *ret_note);

/**
 * note_open() - Check the first of several notes
 * @cursor:   Moved behind the note
 *
 * Accepts one spelling only, so that no byte of a note can change unnoticed.
 *
 * Return: 1 with the size and root that @key signed; 0 at the end; -EBADMSG; -EIO
 */
int note_open(struct span *cursor, const struct note_key *key, struct hasher *h, uint64_t *ret_size,
	      struct digest *ret_root);

#endif
