// SPDX-License-Identifier: Apache-2.0
/*
 * One pass over ledger.jsonl. Each line must begin with the fields that every record has,
 * in the writer's order, and name the hash of the line before; each signed note must fit
 * the Merkle root of as many lines as it counts. A changed byte shows as a broken chain at
 * the next line, in the last line by the last note. Then the files beside the ledger.
 *
 * Which record is bad? If line i + 1 does not name line i's hash, one of the two changed.
 * If line i + 2 still names line i + 1's hash, that one is as it was written, so it was
 * line i. This is only for the report: either way the verdict stands.
 *
 * Longer than most: all checks share the one pass, and the one finding.
 */
#include "ledger/verify.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "ipc/messages.h"
#include "ledger/ledger.h"
#include "ledger/record.h"
#include "ledger/run_files.h"
#include "ledger/scan.h"

#define CHECKPOINTS_MAX (512u << 20)
#define SIDE_FILE_MAX   (8u << 20)
#define NOTE_LINES      6
#define POLICIES_MAX    (IPC_RELOADS_MAX + 1)
#define POLICY_FILE_MAX 32

/* The fields that open every record. */
struct heading {
	uint64_t version, seq, mono_ns;
	struct span run, type;
	char prev[DIGEST_HEX];
};

struct verifier {
	int dirfd;
	const char *anchor;
	struct hasher *hasher;
	FILE *ledger;
	struct verify_result *result;
	struct note_key key;
	struct buf checkpoints;
	struct span notes;  /* of checkpoints, not opened yet */
	uint64_t note_size; /* of the note that comes next; 0: no more */
	struct digest note_root;
	uint64_t last_signed; /* what the last note of all counts, once found good */
	bool has_torn_note;   /* the last one is unfinished */
	struct merkle tree;
	struct digest head; /* of the last line */
	char run_id[NOTE_NAME_MAX];
	struct {
		char sha256[DIGEST_HEX];
		char file[POLICY_FILE_MAX]; /* that holds it */
	} policies[POLICIES_MAX];
	size_t n_policies;
	char *end; /* run.end, NUL-terminated; NULL before it. Owned */
};

/* --- findings ---------------------------------------------------------------- */

static int found(struct verifier *v, enum verify_outcome outcome, const char *where,
		 const char *what, ...) __attribute__((format(printf, 4, 5)));

/* Keeps the first finding. Returns -EBADMSG, so that a check can end with it. */
static int found(struct verifier *v, enum verify_outcome outcome, const char *where,
		 const char *what, ...)
{
	char text[sizeof(v->result->problem.what)];
	va_list args;

	if (v->result->outcome != VERIFY_COMPLETE)
		return -EBADMSG;
	va_start(args, what);
	vsnprintf(text, sizeof(text), what, args);
	va_end(args);
	v->result->outcome = outcome;
	error_set(&v->result->problem, where, NULL, "%s", text);
	return -EBADMSG;
}

static int found_bad_record(struct verifier *v, uint64_t seq, const char *what)
{
	if (v->result->outcome == VERIFY_COMPLETE) {
		v->result->has_bad_record = true;
		v->result->bad_seq = seq;
		v->result->bad_line = seq + 1;
	}
	return found(v, VERIFY_TAMPERED, "ledger.jsonl", "record %lu (line %lu) %s",
		     (unsigned long)seq, (unsigned long)seq + 1, what);
}

static struct span contents(const struct buf *b)
{
	return span_bytes(b->data, b->len);
}

/* --- checkpoints ------------------------------------------------------------- */

/* A note that a killed keeper left half written: without its last line. */
static bool note_is_torn(struct span text)
{
	size_t lines = 0;

	for (size_t i = 0; i < text.n; i++)
		lines += text.p[i] == '\n';
	return text.n && lines < NOTE_LINES;
}

static int next_note(struct verifier *v)
{
	uint64_t size = 0;
	int r;

	if (note_is_torn(v->notes)) {
		v->note_size = 0;
		v->has_torn_note = true;
		return 0;
	}
	r = note_open(&v->notes, &v->key, v->hasher, &size, &v->note_root);

	if (r < 0)
		return found(
			v, VERIFY_TAMPERED, "checkpoints",
			"the note behind the one for %lu records is not signed by the run's key",
			(unsigned long)v->note_size);
	if (r && size <= v->note_size)
		return found(v, VERIFY_TAMPERED, "checkpoints", "notes are out of order");
	v->note_size = r ? size : 0;
	return 0;
}

static int check_note(struct verifier *v)
{
	struct digest root;

	if (v->note_size != v->tree.size)
		return 0;
	if (merkle_root(&v->tree, v->hasher, &root))
		return found(v, VERIFY_CANNOT, NULL, "SHA-256 failed");
	if (memcmp(&root, &v->note_root, sizeof(root)))
		return found_bad_record(v, v->tree.size - 1,
					"or one before it is not what the checkpoint signed");
	v->last_signed = v->note_size;
	return next_note(v);
}

/* --- records ----------------------------------------------------------------- */

static bool parse_heading(struct span line, struct heading *ret)
{
	static const char *const keys[] = {"v", "run", "seq", "ts", "mono_ns", "type", "prev"};
	struct span values[ARRAY_SIZE(keys)], key;

	if (!scan_is_value(line))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (!scan_member(&line, &key, &values[i]) || !span_equals(key, keys[i]))
			return false;
	ret->run = values[1];
	ret->type = values[5];
	return scan_u64(values[0], &ret->version) && scan_u64(values[2], &ret->seq) &&
	       scan_u64(values[4], &ret->mono_ns) &&
	       scan_copy_string(values[6], ret->prev, sizeof(ret->prev)) &&
	       strlen(ret->prev) == DIGEST_HEX - 1;
}

static bool names_hash(const struct heading *h, const struct digest *digest)
{
	char hex[DIGEST_HEX];

	text_hex(digest->b, DIGEST_BYTES, hex);
	return !strcmp(h->prev, hex);
}

/* The head that status.json names, "" if none. Return: 0; -errno; -EBADMSG if it is not of this run
 */
static int read_status(struct verifier *v, struct buf *text, struct span *ret_status,
		       char ret_head[DIGEST_HEX])
{
	struct span status;
	char run[NOTE_NAME_MAX];
	int r = run_file_read(v->dirfd, "status.json", text);

	if (r)
		return r;
	status = contents(text);
	while (status.n && (status.p[status.n - 1] == ' ' || status.p[status.n - 1] == '\n'))
		status.n--;
	if (!scan_is_value(status) ||
	    !scan_copy_string(scan_find(status, "run"), run, sizeof(run)) || strcmp(run, v->run_id))
		return -EBADMSG;
	if (!scan_copy_string(scan_find(status, "log_head"), ret_head, DIGEST_HEX))
		ret_head[0] = '\0';
	*ret_status = status;
	return 0;
}

/* Whether the line with this hash is as it was written, by what follows it: a record or the status.
 */
static bool line_is_vouched_for(struct verifier *v, const struct digest *digest)
{
	autobuf struct buf text = BUF_INIT(SIDE_FILE_MAX);
	autofree char *next = NULL;
	size_t cap = 0;
	ssize_t n = getline(&next, &cap, v->ledger);
	char head[DIGEST_HEX], hex[DIGEST_HEX];
	struct heading h;
	struct span status;

	if (n > 0)
		return parse_heading(span_bytes(next, (size_t)n - 1), &h) && names_hash(&h, digest);
	text_hex(digest->b, DIGEST_BYTES, hex);
	return !read_status(v, &text, &status, head) && !strcmp(head, hex);
}

/* A program of another time may have written it; a changed digit has no one to vouch for it. */
static int found_other_version(struct verifier *v, struct span line, const struct heading *h)
{
	struct digest digest;

	if (hasher_sha256(v->hasher, &line, 1, &digest) || !line_is_vouched_for(v, &digest))
		return found_bad_record(v, 0, "has a version that is not known here");
	return found(v, VERIFY_CANNOT, "ledger.jsonl", "version %lu is not known here",
		     (unsigned long)h->version);
}

/* The first record brings the key that everything else is checked with. */
static int begin(struct verifier *v, struct span line, const struct heading *h)
{
	char key[NOTE_KEY_TEXT_MAX], name[NOTE_NAME_MAX + sizeof(LEDGER_ORIGIN)];

	if (h->version != LEDGER_VERSION)
		return found_other_version(v, line, h);
	if (!span_equals(h->type, "\"run.start\"") ||
	    !scan_copy_string(h->run, v->run_id, sizeof(v->run_id)) ||
	    !scan_copy_string(scan_find(line, "log_key"), key, sizeof(key)) ||
	    note_key_parse(key, v->hasher, &v->key))
		return found_bad_record(v, 0, "is no start of a run");
	snprintf(name, sizeof(name), LEDGER_ORIGIN "%s", v->run_id);
	if (strcmp(name, v->key.name))
		return found_bad_record(v, 0, "has the key of another run");
	(void)note_key_fingerprint(&v->key, v->hasher, v->result->fingerprint);
	snprintf(v->result->run_id, sizeof(v->result->run_id), "%s", v->run_id);
	return next_note(v);
}

/* The run's first is policy.json; one that was taken anew names its file: policy.2.json */
static bool note_policy(struct verifier *v, struct span line)
{
	struct span file = scan_find(line, "file");
	size_t n = strlen("policy.");
	char *name, *sha256;

	if (v->n_policies == POLICIES_MAX)
		return false;
	name = v->policies[v->n_policies].file;
	sha256 = v->policies[v->n_policies].sha256;
	if (!scan_copy_string(scan_find(line, "sha256"), sha256, DIGEST_HEX))
		return false;
	snprintf(name, POLICY_FILE_MAX, "policy.json");
	/* Nothing but such a name: it is opened. */
	if (file.n &&
	    (!scan_copy_string(file, name, POLICY_FILE_MAX) || strncmp(name, "policy.", n) ||
	     strcmp(name + n + strspn(name + n, "0123456789"), ".json")))
		return false;
	v->n_policies++;
	return true;
}

static int note_contents(struct verifier *v, struct span line, const struct heading *h)
{
	if (span_equals(h->type, "\"policy.loaded\"") &&
	    span_equals(scan_find(line, "copied"), "true") && !note_policy(v, line))
		return found_bad_record(v, h->seq, "has no hash, or no file, of the policy");
	if (!span_equals(h->type, "\"run.end\""))
		return 0;
	v->end = strndup(line.p, line.n);
	return v->end ? 0 : found(v, VERIFY_CANNOT, NULL, "out of memory");
}

static int check_record(struct verifier *v, struct span line)
{
	struct heading h;
	char run[NOTE_NAME_MAX];
	uint64_t seq = v->tree.size;
	int r = 0;

	if (v->end)
		return found_bad_record(v, seq, "stands behind the end of the run");
	if (!parse_heading(line, &h) || h.seq != seq)
		return found_bad_record(v, seq, "is no record of this place");
	if (!seq)
		r = begin(v, line, &h);
	if (r)
		return r;
	if (h.version != LEDGER_VERSION || !scan_copy_string(h.run, run, sizeof(run)) ||
	    strcmp(run, v->run_id))
		return found_bad_record(v, seq, "belongs to another run");
	if (hasher_sha256(v->hasher, &line, 1, &v->head) || merkle_add(&v->tree, v->hasher, line))
		return found(v, VERIFY_CANNOT, NULL, "SHA-256 failed");
	r = note_contents(v, line, &h);
	return r ? r : check_note(v);
}

/*
 * Line @seq does not name the hash of the one before. Look at the one after it, if there
 * is any, to say which of the two changed.
 */
static int found_broken_chain(struct verifier *v, uint64_t seq, struct span line)
{
	struct digest digest;
	bool line_is_good =
		!hasher_sha256(v->hasher, &line, 1, &digest) && line_is_vouched_for(v, &digest);

	return found_bad_record(v, line_is_good ? seq - 1 : seq,
				line_is_good ? "was changed: the next record names another one"
					     : "does not follow from the record before it");
}

static int check_chain(struct verifier *v, struct span line)
{
	static const struct digest zeros;
	struct heading h;

	/* What is no record at all is found by check_record(). */
	if (!parse_heading(line, &h) || names_hash(&h, v->tree.size ? &v->head : &zeros))
		return 0;
	if (!v->tree.size)
		return found_bad_record(v, 0, "is not the first of its ledger");
	return found_broken_chain(v, v->tree.size, line);
}

static int check_lines(struct verifier *v)
{
	autofree char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int r = 0;

	while (!r && (n = getline(&line, &cap, v->ledger)) > 0) {
		struct span text = span_bytes(line, (size_t)n - 1);

		if (line[n - 1] != '\n') {
			v->result->is_torn = true;
			break;
		}
		r = check_chain(v, text);
		if (!r)
			r = check_record(v, text);
		if (!r)
			v->result->records = v->tree.size;
	}
	if (ferror(v->ledger))
		return found(v, VERIFY_CANNOT, "ledger.jsonl", "cannot be read");
	return r;
}

/* --- what stands beside the ledger --------------------------------------------- */

static int check_status(struct verifier *v)
{
	static const char *const same[] = {
		"child_exit", "signal",         "allowed",        "denied",      "unknown",
		"lost",       "egress_allowed", "egress_refused", "second_wall", "submodules"};
	autobuf struct buf text = BUF_INIT(SIDE_FILE_MAX);
	struct span status, end = span_of(v->end);
	char head[DIGEST_HEX];
	int r = read_status(v, &text, &status, head);

	if (r == -EBADMSG)
		return found(v, VERIFY_TAMPERED, "status.json", "is not of this run");
	if (r)
		return found(v, VERIFY_TAMPERED, "status.json", "cannot be read: %s", strerror(-r));
	if (!v->end)
		return head[0] ? found(v, VERIFY_TAMPERED, "status.json",
				       "says that the run ended, but the ledger does not")
			       : 0;
	/* Between its last record and its signature a keeper can die, or find the disk full. */
	if (!head[0] && v->last_signed != v->tree.size)
		return found(v, VERIFY_INTERRUPTED, "checkpoints",
			     "the last records were never signed");
	if (strcmp(head, v->result->head))
		return found(v, VERIFY_TAMPERED, "status.json",
			     "log_head is not the hash of the ledger's last line");
	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		struct span a = scan_find(status, same[i]), b = scan_find(end, same[i]);
		bool may_lack = i >= ARRAY_SIZE(same) - 2; /* records of older versions do */
		if ((!a.n && !may_lack) || a.n != b.n || (a.n && memcmp(a.p, b.p, a.n)))
			return found(v, VERIFY_TAMPERED, "status.json",
				     "%s is not what the ledger says", same[i]);
	}
	return 0;
}

static int check_file(struct verifier *v, const char *name, const char *sha256)
{
	autobuf struct buf text = BUF_INIT(SIDE_FILE_MAX);
	struct digest digest;
	struct span piece;
	char hex[DIGEST_HEX];
	int r = run_file_read(v->dirfd, name, &text);

	if (r)
		return found(v, VERIFY_TAMPERED, name, "cannot be read: %s", strerror(-r));
	piece = contents(&text);
	if (hasher_sha256(v->hasher, &piece, 1, &digest))
		return found(v, VERIFY_CANNOT, NULL, "SHA-256 failed");
	text_hex(digest.b, DIGEST_BYTES, hex);
	return strcmp(hex, sha256) ? found(v, VERIFY_TAMPERED, name, "is not what the ledger names")
				   : 0;
}

static int check_side_files(struct verifier *v)
{
	char sha256[DIGEST_HEX];
	int r = check_status(v);

	for (size_t i = 0; !r && i < v->n_policies; i++)
		r = check_file(v, v->policies[i].file, v->policies[i].sha256);
	if (!r && v->end &&
	    scan_copy_string(scan_find(span_of(v->end), "tools_sha256"), sha256, sizeof(sha256)))
		r = check_file(v, "tools.json", sha256);
	return r;
}

static int check_anchor(struct verifier *v)
{
	const char *colon = v->anchor ? strchr(v->anchor, ':') : NULL;
	size_t n = colon ? (size_t)(colon - v->anchor) : 0;

	if (!v->anchor)
		return 0;
	if (!colon)
		n = strlen(v->anchor);
	if (n != strlen(v->result->head) || strncasecmp(v->anchor, v->result->head, n))
		return found(
			v, VERIFY_TAMPERED, "ledger.jsonl",
			"its head is %s, not the anchor: cut short, or the anchor is another run's",
			v->result->head);
	if (colon && strcasecmp(colon + 1, v->result->fingerprint))
		return found(v, VERIFY_TAMPERED, "ledger.jsonl",
			     "is signed by another key than the anchor's");
	return 0;
}

/* The whole ledger was read and is in order so far: is it all there? */
static int check_end(struct verifier *v)
{
	uint64_t records = v->tree.size;

	if (!records)
		return v->checkpoints.len || v->anchor
			       ? found_bad_record(v, 0, "is missing")
			       : found(v, VERIFY_INTERRUPTED, "ledger.jsonl", "has no records");
	text_hex(v->head.b, DIGEST_BYTES, v->result->head);
	if (v->note_size)
		return found_bad_record(v, records, "is missing: a checkpoint counts more records");
	if (v->end && v->result->is_torn)
		return found_bad_record(v, records, "stands behind the end of the run");
	if (v->end && v->has_torn_note)
		return found(v, VERIFY_TAMPERED, "checkpoints", "the last note was cut");
	return 0;
}

static void check_all(struct verifier *v)
{
	/* The anchor before whatever may call the run interrupted: that would be no verdict on it.
	 */
	if (check_lines(v) || check_end(v) || !v->tree.size || check_anchor(v) ||
	    check_side_files(v))
		return;
	v->result->signed_size = v->last_signed;
	if (!v->end)
		found(v, VERIFY_INTERRUPTED, "ledger.jsonl",
		      v->result->is_torn ? "has no end, and its last line is unfinished"
					 : "has no end: the run was cut short, or goes on");
	else if (v->last_signed != v->tree.size)
		found(v, VERIFY_TAMPERED, "checkpoints", "the last records are not signed");
}

static bool anchor_is_sound(const char *anchor)
{
	size_t n = strspn(anchor, "0123456789abcdefABCDEF");

	if (n != DIGEST_HEX - 1 || (anchor[n] && anchor[n] != ':'))
		return false;
	return !anchor[n] ||
	       strspn(anchor + n + 1, "0123456789abcdefABCDEF") == strlen(anchor + n + 1);
}

void verify_run(int run_dirfd, const char *anchor, struct verify_result *ret)
{
	struct verifier v = {.dirfd = run_dirfd,
			     .anchor = anchor,
			     .result = ret,
			     .checkpoints = BUF_INIT(CHECKPOINTS_MAX)};
	int r;

	*ret = (struct verify_result){0};
	v.hasher = hasher_new();
	r = run_file_read(run_dirfd, "checkpoints", &v.checkpoints);
	v.notes = contents(&v.checkpoints);
	if (!v.hasher)
		found(&v, VERIFY_CANNOT, NULL, "out of memory");
	else if (anchor && !anchor_is_sound(anchor))
		found(&v, VERIFY_CANNOT, "--anchor",
		      "is not the 64 hexadecimal digits that a run prints, nor those and its "
		      "key's");
	else if (!(v.ledger = run_ledger_open(run_dirfd)))
		found(&v, VERIFY_CANNOT, "ledger.jsonl", "cannot be opened: %s", strerror(errno));
	else if (r)
		found(&v, r == -ENOENT ? VERIFY_TAMPERED : VERIFY_CANNOT, "checkpoints",
		      "cannot be read: %s", strerror(-r));
	else
		check_all(&v);
	if (v.ledger)
		fclose(v.ledger);
	hasher_free(v.hasher);
	buf_free(&v.checkpoints);
	free(v.end);
}
