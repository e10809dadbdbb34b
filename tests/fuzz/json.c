// SPDX-License-Identifier: Apache-2.0
/*
 * JSON text before the readers that the program has: the strict parser of messages, the
 * ledger's scanner, the policy's. None of them shares code with jansson's lexer or with
 * another. What must hold:
 *   - what the strict parser accepts, jansson accepts as the same tree, and it refuses more
 *     only for a limit or a number; both scanners accept what is written of it; writing is
 *     a fixed point, sorted writing too, and loses nothing;
 *   - the ledger's scanner accepts exactly what jansson does, on one line with no blank around
 *     it, up to a depth, numbers of any size;
 *   - where the policy's scanner sees no problem, jansson sees none, and the other way
 *     round but for what it says it refuses (U+0000, depth).
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "policy/json/scan.h"
#include "fuzz.h"
#include "ledger/scan.h"
#include "mcp/json.h"

static bool has_white_space_but_blanks(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == '\n' || text.p[i] == '\r' || text.p[i] == '\t')
			return true;
	return false;
}

/* Brackets in strings count too: this is only a bound. */
static size_t depth_at_most(struct span text)
{
	size_t depth = 0, most = 0;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '{' || text.p[i] == '[')
			depth++;
		most = depth > most ? depth : most;
		if ((text.p[i] == '}' || text.p[i] == ']') && depth)
			depth--;
	}
	return most;
}

/*
 * jansson on its own. It is not asked about texts with a NUL, which it takes for the end
 * behind a number or literal; number sizes and NULs in keys are limits of its own.
 */
static enum json_error_code jansson_says(struct span text, size_t flags)
{
	json_error_t e;
	json_auto_t *root =
		json_loadb(text.p, text.n, flags | JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);

	return root ? json_error_unknown : json_error_code(&e);
}

static bool is_limit(enum json_error_code code)
{
	return code == json_error_numeric_overflow || code == json_error_null_byte_in_key;
}

static void check_ledger_scanner(struct span text)
{
	enum json_error_code code = jansson_says(text, 0);
	bool is_value = scan_is_value(text);
	struct span cursor = text, key, value;

	if (is_value)
		must(code == json_error_unknown || is_limit(code));
	else if (code == json_error_unknown)
		must(text.p[0] == ' ' || text.p[text.n - 1] == ' ' ||
		     has_white_space_but_blanks(text) || depth_at_most(text) > SCAN_DEPTH_MAX);
	if (!is_value)
		return;
	while (scan_member(&cursor, &key, &value)) {
		autobuf struct buf name = BUF_INIT(FUZZ_BUF_MAX);

		must(scan_is_value(value) && scan_is_value(span_bytes(key.p - 1, key.n + 2)));
		must(!scan_string(span_bytes(key.p - 1, key.n + 2), &name));
	}
}

struct problems {
	size_t n, n_bytes;
	bool has_number; /* one that jansson would round */
};

static void on_problem(void *context, const struct scan_problem *problem)
{
	struct problems *p = context;

	must(problem->at <= p->n_bytes && problem->what);
	must(!problem->pointer.n || problem->pointer.p[0] == '/');
	p->has_number |= strstr(problem->what, "would change") != NULL;
	p->n++;
}

static void check_policy_scanner(struct span text)
{
	struct problems problems = {.n_bytes = text.n};
	enum json_error_code code = jansson_says(text, JSON_REJECT_DUPLICATES);
	int r = scan_check(text.p, text.n, on_problem, &problems);

	must(!r || (r == -EINVAL && problems.n));
	if (!r && !problems.n)
		must(code == json_error_unknown || is_limit(code));
	else if (code == json_error_unknown)
		must(problems.has_number || memmem(text.p, text.n, "\\u0000", 6) ||
		     depth_at_most(text) > 32);
	if (!r)
		must(scan_locate(text.p, text.n, "", SCAN_VALUE) < text.n);
}

/* What jansson accepts is refused for a limit or a number only, or a byte it does not look at. */
static void check_strict_refusal(struct span text, const struct error *err)
{
	static const char *const strict[] = {"number", "nested", "too many", "byte order", "NUL"};
	json_auto_t *root = NULL;

	if (!text.n || memchr(text.p, '\0', text.n))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(strict); i++)
		if (strstr(err->what, strict[i]))
			return;
	root = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	must(!root);
}

static void check_strict_parser(struct span text)
{
	autobuf struct buf once = BUF_INIT(FUZZ_BUF_MAX), twice = BUF_INIT(FUZZ_BUF_MAX);
	autobuf struct buf sorted = BUF_INIT(FUZZ_BUF_MAX);
	json_auto_t *root = NULL, *again = NULL, *reference = NULL;
	struct error err = {0};
	int r = mcp_json_parse(text, &mcp_response_limits, &root, &err);

	must(!r || ((r == -EBADMSG || r == -EMSGSIZE) && err.what[0]));
	if (r) {
		check_strict_refusal(text, &err);
		return;
	}
	reference = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	must(reference && json_equal(root, reference));
	must(!mcp_json_append(&once, root, MCP_JSON_AS_READ) && fuzz_is_one_line(&once));
	must(scan_is_value(span_bytes(once.data, once.len)));
	must(!mcp_json_parse(span_bytes(once.data, once.len), &mcp_response_limits, &again, NULL));
	must(json_equal(root, again));
	must(!mcp_json_append(&twice, again, MCP_JSON_AS_READ) && fuzz_same(&once, &twice));
	buf_clear(&twice);
	must(!mcp_json_append(&sorted, root, MCP_JSON_SORTED));
	json_decref(again);
	again = NULL;
	must(!mcp_json_parse(span_bytes(sorted.data, sorted.len), &mcp_response_limits, &again,
			     NULL));
	must(json_equal(root, again));
	must(!mcp_json_append(&twice, again, MCP_JSON_AS_READ) && fuzz_same(&sorted, &twice));
	/* Keys that are one when case is folded: asking must not depend on their order. */
	must(mcp_json_all_keys_are_distinct(root) == mcp_json_all_keys_are_distinct(again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	autofree char *copy = fuzz_copy(data, n);
	struct span text = span_bytes(copy, n);

	check_strict_parser(text);
	if (!n || memchr(copy, '\0', n) || depth_at_most(text) > 1000)
		return 0;
	check_ledger_scanner(text);
	check_policy_scanner(text);
	return 0;
}
