// SPDX-License-Identifier: Apache-2.0
/*
 * The file is written as https://www.sqlite.org/fileformat2.html describes it: two pages, the
 * schema in the first, the table in the second, both leaves of b-trees. There are two rows: the
 * certificate, and what it is trusted for. NSS finds the second by issuer, serial number and
 * SHA-1 of the certificate; that hash secures nothing.
 *
 * NSS checks such trust against a MAC under the database's password. One that has no password
 * yet, as this one, has none to be checked.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* why: base/crypto.h */
#include "trust/nss_store.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "base/cleanup.h"

#define PEM_BEGIN       "-----BEGIN CERTIFICATE-----"
#define PEM_END         "-----END CERTIFICATE-----"
#define CERTIFICATE_MAX 3072 /* bytes of DER: both rows fit into one page */

#define DER_SEQUENCE 0x30
#define DER_VERSION  0xa0

#define SQLITE_PAGE        4096
#define SQLITE_FILE_HEADER 100
#define SQLITE_PAGE_HEADER 8
#define SQLITE_LEAF        0x0d
#define SQLITE_VERSION     3040000
#define RECORD_MAX         SQLITE_PAGE
#define TABLES_MAX         2 /* of one file; rows of one page, too */

/* --- the certificate ---------------------------------------------------------------- */

struct certificate {
	uint8_t der[CERTIFICATE_MAX];
	size_t n;
	struct span serial, issuer, subject; /* whole elements */
};

static int decode_pem(struct span pem, struct certificate *ret)
{
	const char *begin = memmem(pem.p, pem.n, PEM_BEGIN, strlen(PEM_BEGIN)), *end;
	EVP_ENCODE_CTX *context;
	int n = 0, rest = 0, r;

	if (!begin)
		return -EBADMSG;
	begin += strlen(PEM_BEGIN);
	end = memmem(begin, pem.n - (size_t)(begin - pem.p), PEM_END, strlen(PEM_END));
	if (!end)
		return -EBADMSG;
	if ((size_t)(end - begin) / 4 * 3 > sizeof(ret->der))
		return -EMSGSIZE;
	context = EVP_ENCODE_CTX_new();
	if (!context)
		return -ENOMEM;
	EVP_DecodeInit(context);
	r = EVP_DecodeUpdate(context, ret->der, &n, (const unsigned char *)begin,
			     (int)(end - begin)) < 0 ||
			    EVP_DecodeFinal(context, ret->der + n, &rest) < 0
		    ? -EBADMSG
		    : 0;
	EVP_ENCODE_CTX_free(context);
	ret->n = (size_t)(n + rest);
	return r;
}

/* The next element, its head included, cut off @in; its contents in @ret_inner. 0: none */
static uint8_t next_element(struct span *in, struct span *ret_whole, struct span *ret_inner)
{
	const uint8_t *p = (const uint8_t *)in->p;
	size_t head = 2, n;

	if (in->n < 2)
		return 0;
	n = p[1];
	if (n & 0x80) {
		size_t more = n & 0x7f;

		if (more < 1 || more > 2 || in->n < 2 + more)
			return 0;
		n = more == 1 ? p[2] : (size_t)p[2] << 8 | p[3];
		head += more;
	}
	if (n > in->n - head)
		return 0;
	*ret_whole = span_bytes(p, head + n);
	*ret_inner = span_bytes(p + head, n);
	in->p += head + n;
	in->n -= head + n;
	return p[0];
}

/* RFC 5280, 4.1: version, serial number, algorithm, issuer, validity, subject. */
static int parse_certificate(struct certificate *c)
{
	struct span all = span_bytes(c->der, c->n), whole, tbs, inner;
	struct span *const fields[] = {&c->serial, &inner, &c->issuer, &inner, &c->subject};
	uint8_t tag;

	if (next_element(&all, &whole, &tbs) != DER_SEQUENCE || all.n)
		return -EBADMSG;
	all = tbs;
	if (next_element(&all, &whole, &tbs) != DER_SEQUENCE)
		return -EBADMSG;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		tag = next_element(&tbs, &whole, &inner);
		if (!i && tag == DER_VERSION)
			tag = next_element(&tbs, &whole, &inner);
		if (!tag)
			return -EBADMSG;
		*fields[i] = whole;
	}
	return 0;
}

static void hash_certificate(const struct certificate *c, uint8_t ret[SHA_DIGEST_LENGTH])
{
	SHA_CTX context;

	SHA1_Init(&context);
	SHA1_Update(&context, c->der, c->n);
	SHA1_Final(ret, &context);
}

/* --- rows ------------------------------------------------------------------------------ */

/* PKCS #11's attributes, by the names of NSS's columns; the values of numbers are big-endian. */
enum column {
	COLUMN_ID = 0,
	COLUMN_CLASS,
	COLUMN_TOKEN,
	COLUMN_PRIVATE,
	COLUMN_LABEL,
	COLUMN_VALUE,
	COLUMN_CERTIFICATE_TYPE,
	COLUMN_ISSUER,
	COLUMN_SERIAL_NUMBER,
	COLUMN_SUBJECT,
	COLUMN_KEY_ID,
	COLUMN_MODIFIABLE,
	COLUMN_TRUST_SERVER_AUTH,
	COLUMN_CERT_SHA1_HASH,
	COLUMNS,
};

/* In their order; a row may have fewer values than its table has columns. */
#define OUR_COLUMNS                                                                                \
	"id, a0, a1, a2, a3, a11, a80, a81, a82, a101, a102, a170, ace536358, ace5363b4, "

/* What else NSS keeps, so that it can add certificates and keys of its own. */
#define OTHER_COLUMNS                                                                              \
	"a10, a12, a83, a84, a85, a86, a87, a88, a89, a8a, a8b, a90, a100, a103, a104, a105, "     \
	"a106, a107, a108, a109, a10a, a10b, a10c, a110, a111, a120, a121, a122, a123, a124, "     \
	"a125, a126, a127, a128, a129, a130, a131, a132, a133, a134, a160, a161, a162, a163, "     \
	"a164, a165, a166, a180, a181, a200, a201, a202, a210, a300, a301, a302, a400, a401, "     \
	"a402, a403, a404, a405, a406, a480, a481, a482, a500, a501, a502, a503, a40000211, "      \
	"a40000212, a80000001, ace534351, ace534352, ace534353, ace534354, ace534355, ace534356, " \
	"ace534357, ace534358, ace534364, ace534365, ace534366, ace534367, ace534368, ace534369, " \
	"ace534373, ace534374, ace536351, ace536352, ace536353, ace536354, ace536355, ace536356, " \
	"ace536357, ace536359, ace53635a, ace53635b, ace53635c, ace53635d, ace53635e, ace53635f, " \
	"ace536360, ace5363b5, ad5a0db00"

struct table {
	const char *name, *schema;
};

static const struct table certificates[] = {
	{"nssPublic", "CREATE TABLE nssPublic (" OUR_COLUMNS OTHER_COLUMNS ")"},
};

static const struct table keys[] = {
	{"nssPrivate", "CREATE TABLE nssPrivate (" OUR_COLUMNS OTHER_COLUMNS ")"},
	{"metaData", "CREATE TABLE metaData (id, item1, item2)"},
};

/* Of the values that are the same each time; the type byte is SQLite's, see put_value(). */
#define BYTES(text)                                                                                \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}

static const struct span class_certificate = BYTES("\x00\x00\x00\x01");
static const struct span class_trust = BYTES("\xce\x53\x43\x53");
static const struct span trusted_delegator = BYTES("\xce\x53\x43\x52");
static const struct span type_x509 = BYTES("\x00\x00\x00\x00");
static const struct span yes = BYTES("\x01");
static const struct span no = BYTES("\x00");
static const struct span label = BYTES("mcpjail");

static int put_varint(struct buf *b, size_t value)
{
	const uint8_t bytes[] = {(uint8_t)(0x80 | (value >> 7)), (uint8_t)(value & 0x7f)};

	/* Nothing here is longer than a page. */
	return value < 0x80 ? buf_append(b, bytes + 1, 1) : buf_append(b, bytes, 2);
}

static int put_u16(struct buf *b, size_t value)
{
	const uint8_t bytes[] = {(uint8_t)(value >> 8), (uint8_t)value};

	return buf_append(b, bytes, sizeof(bytes));
}

static int put_u32(struct buf *b, uint32_t value)
{
	int r = put_u16(b, value >> 16);

	return r ? r : put_u16(b, value & 0xffff);
}

/*
 * A record: the length of its head, a type for each value, the values. Types: 0 is NULL, 1 an
 * integer of one byte, 12 + 2n a blob and 13 + 2n a text of n bytes.
 */
static int put_record(struct buf *ret, const struct span *values, const uint8_t *kinds, size_t n)
{
	autobuf struct buf types = BUF_INIT(RECORD_MAX);
	int r = 0;

	for (size_t i = 0; !r && i < n; i++)
		r = put_varint(&types, kinds[i] < 12 ? kinds[i] : kinds[i] + 2 * values[i].n);
	/* The length counts itself, and is one byte: there are few values. */
	if (!r)
		r = put_varint(ret, types.len + 1);
	if (!r)
		r = buf_append(ret, types.data, types.len);
	for (size_t i = 0; !r && i < n; i++)
		r = buf_append(ret, values[i].p, values[i].n);
	return r;
}

static int put_row(struct buf *ret, uint8_t id, const struct span values[COLUMNS])
{
	struct span all[COLUMNS];
	uint8_t kinds[COLUMNS];

	memcpy(all, values, sizeof(all));
	all[COLUMN_ID] = span_bytes(&id, 1);
	for (size_t i = 0; i < COLUMNS; i++)
		kinds[i] = i == COLUMN_ID ? 1 : all[i].n ? 12 : 0;
	return put_record(ret, all, kinds, COLUMNS);
}

static int put_certificate(struct buf *ret, const struct certificate *c, const uint8_t *sha1)
{
	const struct span values[COLUMNS] = {
		[COLUMN_CLASS] = class_certificate,
		[COLUMN_TOKEN] = yes,
		[COLUMN_PRIVATE] = no,
		[COLUMN_LABEL] = label,
		[COLUMN_VALUE] = span_bytes(c->der, c->n),
		[COLUMN_CERTIFICATE_TYPE] = type_x509,
		[COLUMN_ISSUER] = c->issuer,
		[COLUMN_SERIAL_NUMBER] = c->serial,
		[COLUMN_SUBJECT] = c->subject,
		[COLUMN_KEY_ID] = span_bytes(sha1, SHA_DIGEST_LENGTH), /* any will do */
		[COLUMN_MODIFIABLE] = yes,
	};

	return put_row(ret, 1, values);
}

static int put_trust(struct buf *ret, const struct certificate *c, const uint8_t *sha1)
{
	const struct span values[COLUMNS] = {
		[COLUMN_CLASS] = class_trust,
		[COLUMN_TOKEN] = yes,
		[COLUMN_PRIVATE] = no,
		[COLUMN_LABEL] = label,
		[COLUMN_ISSUER] = c->issuer,
		[COLUMN_SERIAL_NUMBER] = c->serial,
		[COLUMN_MODIFIABLE] = yes,
		[COLUMN_TRUST_SERVER_AUTH] = trusted_delegator,
		[COLUMN_CERT_SHA1_HASH] = span_bytes(sha1, SHA_DIGEST_LENGTH),
	};

	return put_row(ret, 2, values);
}

/* --- pages ------------------------------------------------------------------------------ */

/* Row numbers are 1, 2, …; rows are laid out from the page's end towards its head. */
static int put_page(struct buf *ret, size_t used, const struct buf *rows, size_t n)
{
	autobuf struct buf cells = BUF_INIT(SQLITE_PAGE);
	size_t at[TABLES_MAX] = {0}, head = used + SQLITE_PAGE_HEADER + 2 * n;
	static const uint8_t zero[SQLITE_PAGE];
	int r = 0;

	for (size_t i = 0; !r && i < n; i++) {
		at[i] = cells.len;
		r = put_varint(&cells, rows[i].len);
		if (!r)
			r = put_varint(&cells, i + 1);
		if (!r)
			r = buf_append(&cells, rows[i].data, rows[i].len);
	}
	if (!r && head + cells.len > SQLITE_PAGE)
		r = -EMSGSIZE;
	if (r)
		return r;
	r = buf_append(ret, (const uint8_t[]){SQLITE_LEAF, 0, 0}, 3);
	if (!r)
		r = put_u16(ret, n);
	if (!r)
		r = put_u16(ret, SQLITE_PAGE - cells.len);
	if (!r)
		r = buf_append(ret, zero, 1);
	for (size_t i = 0; !r && i < n; i++)
		r = put_u16(ret, SQLITE_PAGE - cells.len + at[i]);
	if (!r)
		r = buf_append(ret, zero, SQLITE_PAGE - head - cells.len);
	return r ? r : buf_append(ret, cells.data, cells.len);
}

static int put_file_header(struct buf *ret, uint32_t pages)
{
	/* From byte 24 on: changes, pages, free pages (2), schema's changes and format, … */
	const uint32_t numbers[] = {1, pages, 0, 0, 1, 4, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1};
	static const uint8_t begin[] = {SQLITE_PAGE >> 8, 0, 1, 1, 0, 64, 32, 32};
	int r = buf_append(ret, "SQLite format 3", 16);

	if (!r)
		r = buf_append(ret, begin, sizeof(begin));
	for (size_t i = 0; !r && i < ARRAY_SIZE(numbers); i++)
		r = put_u32(ret, numbers[i]);
	return r ? r : put_u32(ret, SQLITE_VERSION);
}

/* A row of the schema: each table has one page, the first after this one. */
static int put_table(struct buf *ret, const struct table *table, uint8_t page)
{
	const struct span values[] = {span_of("table"), span_of(table->name), span_of(table->name),
				      span_bytes(&page, 1), span_of(table->schema)};
	static const uint8_t kinds[] = {13, 13, 13, 1, 13};

	return put_record(ret, values, kinds, ARRAY_SIZE(values));
}

static int put_schema_page(struct buf *ret, const struct table *tables, uint8_t n)
{
	struct buf rows[TABLES_MAX] = {BUF_INIT(RECORD_MAX), BUF_INIT(RECORD_MAX)};
	int r = put_file_header(ret, n + 1u);

	for (uint8_t i = 0; !r && i < n; i++)
		r = put_table(&rows[i], &tables[i], (uint8_t)(i + 2));
	if (!r)
		r = put_page(ret, SQLITE_FILE_HEADER, rows, n);
	for (size_t i = 0; i < TABLES_MAX; i++)
		buf_free(&rows[i]);
	return r;
}

int nss_store_make(struct span pem, struct buf *ret)
{
	struct buf rows[] = {BUF_INIT(RECORD_MAX), BUF_INIT(RECORD_MAX)};
	uint8_t sha1[SHA_DIGEST_LENGTH];
	struct certificate c;
	int r = decode_pem(pem, &c);

	if (!r)
		r = parse_certificate(&c);
	if (!r) {
		hash_certificate(&c, sha1);
		r = put_certificate(&rows[0], &c, sha1);
	}
	if (!r)
		r = put_trust(&rows[1], &c, sha1);
	if (!r)
		r = put_schema_page(ret, certificates, ARRAY_SIZE(certificates));
	if (!r)
		r = put_page(ret, 0, rows, ARRAY_SIZE(rows));
	buf_free(&rows[0]);
	buf_free(&rows[1]);
	return r;
}

int nss_store_make_keys(struct buf *ret)
{
	int r = put_schema_page(ret, keys, ARRAY_SIZE(keys));

	for (size_t i = 0; !r && i < ARRAY_SIZE(keys); i++)
		r = put_page(ret, 0, NULL, 0);
	return r;
}
