// SPDX-License-Identifier: Apache-2.0
/*
 * Edits of a policy's text. The input: a number that chooses what is done, then the text. What
 * must hold:
 *   - the tree of the text that comes out is the tree that went in with just that change, made
 *     with jansson: an element at the end of a list, a member, or less one value;
 *   - all else of the text stays: the new text is the old one with one piece put in, or with
 *     one taken out;
 *   - the same again changes nothing (-EEXIST), and taking out what was put in gives the
 *     tree back;
 *   - a text that loads as a policy still loads with an allowed host more.
 */
#include <errno.h>
#include <jansson.h>

#include "fuzz.h"
#include "policy/edit.h"
#include "policy/policy.h"

static const struct {
	const char *list, *element;
} additions[] = {
	{"/egress", "{\"host\": \"fuzz.example.org\"}"}, {"/egress", "{\"preset\": \"github\"}"},
	{"/environment/pass", "\"FUZZ_KEY\""},           {"/filesystem/write", "\"~/fuzz/\""},
	{"/a~1b/c~0d", "[1, {\"x\": \"y\"}]"},
};

static json_t *load(struct span text)
{
	return json_loadb(text.p ? text.p : "", text.n, JSON_REJECT_DUPLICATES, NULL);
}

static struct span span_of_buf(const struct buf *b)
{
	return span_bytes(b->data, b->len);
}

/* Whether @with is @whole with a piece put in, in place of white space at the most. */
static bool is_with_one_piece_more(struct span whole, struct span with)
{
	size_t front = 0, back = 0;

	while (front < whole.n && front < with.n && whole.p[front] == with.p[front])
		front++;
	while (back < whole.n - front && back < with.n - front &&
	       whole.p[whole.n - 1 - back] == with.p[with.n - 1 - back])
		back++;
	for (size_t i = front; i < whole.n - back; i++)
		if (!strchr(" \t\r\n", whole.p[i]))
			return false;
	return true;
}

/* The value at a JSON pointer; @makes: with the objects on the way, and a list at its end */
static json_t *walk(json_t *at, const char *pointer, bool makes)
{
	while (at && *pointer == '/') {
		char key[64] = "";
		size_t n = 0;
		json_t *next;

		for (pointer++; *pointer && *pointer != '/' && n < sizeof(key) - 1; pointer++) {
			if (*pointer == '~')
				key[n++] = *++pointer == '1' ? '/' : '~';
			else
				key[n++] = *pointer;
		}
		next = json_object_get(at, key);
		if (!next && makes && json_is_object(at)) {
			next = *pointer ? json_object() : json_array();
			json_object_set_new(at, key, next);
		}
		at = next;
	}
	return at;
}

static bool loads_as_policy(struct span text)
{
	autopolicy struct policy *policy = NULL;

	return !policy_parse(text.p, text.n, "policy.json", &policy, NULL);
}

/* An element for egress that could clash with a mode or bound in the policy may make it fail. */
static void check_policy_loads(struct span before, struct span after, size_t which)
{
	if (which != 0 || !loads_as_policy(before))
		return;
	must(loads_as_policy(after));
}

static void check_removal(struct span text, const char *pointer, const json_t *expected)
{
	autobuf struct buf out = BUF_INIT(FUZZ_BUF_MAX);
	json_auto_t *tree = NULL;
	struct error err = {0};

	must(!edit_remove(text.p, text.n, pointer, &out, &err));
	tree = load(span_of_buf(&out));
	must(tree && json_equal(tree, (json_t *)(uintptr_t)expected));
	must(is_with_one_piece_more(span_of_buf(&out), text));
}

static void check_append(struct span text, size_t which)
{
	autobuf struct buf once = BUF_INIT(FUZZ_BUF_MAX), twice = BUF_INIT(FUZZ_BUF_MAX);
	const char *list = additions[which].list, *element = additions[which].element;
	json_auto_t *before = load(text), *after = NULL, *expected = NULL;
	char pointer[64];
	struct error err = {0};
	json_t *at;
	int r = edit_append(text.p, text.n, list, element, &once, &err);

	must(!r || r == -EEXIST || r == -EINVAL);
	if (r == -EINVAL) {
		must(err.what[0]);
		/* It is sound JSON only if something on the way is no object or list. */
		expected = before ? json_deep_copy(before) : NULL;
		at = walk(expected, list, true);
		must(!json_is_array(at) || memmem(text.p, text.n, "\\u0000", 6));
		return;
	}
	must(before);
	after = load(span_of_buf(&once));
	must(after);
	if (r == -EEXIST) {
		must(json_equal(before, after));
		must(once.len == text.n && !memcmp(once.data, text.p, text.n));
		return;
	}
	expected = json_deep_copy(before);
	at = walk(expected, list, true);
	must(json_is_array(at));
	json_array_append_new(at, json_loads(element, JSON_DECODE_ANY, NULL));
	must(json_equal(after, expected));
	must(is_with_one_piece_more(text, span_of_buf(&once)));
	must(edit_append((char *)once.data, once.len, list, element, &twice, &err) == -EEXIST);
	must(fuzz_same(&once, &twice));
	check_policy_loads(text, span_of_buf(&once), which);
	snprintf(pointer, sizeof(pointer), "%s/%zu", list, json_array_size(at) - 1);
	json_array_remove(at, json_array_size(at) - 1);
	check_removal(span_of_buf(&once), pointer, expected);
}

static void check_put(struct span text)
{
	autobuf struct buf once = BUF_INIT(FUZZ_BUF_MAX), twice = BUF_INIT(FUZZ_BUF_MAX);
	static const char pointer[] = "/tools/fuzz_tool", value[] = "{\"action\": \"deny\"}";
	json_auto_t *before = load(text), *after = NULL;
	struct error err = {0};
	json_t *tools;
	int r = edit_put(text.p, text.n, pointer, value, &once, &err);

	must(!r || r == -EEXIST || r == -EINVAL);
	if (r == -EINVAL)
		return;
	must(before);
	tools = json_object_get(before, "tools");
	if (r == -EEXIST) {
		must(json_object_get(tools, "fuzz_tool"));
		return;
	}
	if (!tools) {
		json_object_set_new(before, "tools", json_object());
		tools = json_object_get(before, "tools");
	}
	json_object_set_new(tools, "fuzz_tool", json_loads(value, 0, NULL));
	after = load(span_of_buf(&once));
	must(after && json_equal(before, after));
	must(is_with_one_piece_more(text, span_of_buf(&once)));
	must(edit_put((char *)once.data, once.len, pointer, value, &twice, &err) == -EEXIST);
}

static void check_first_member_goes(struct span text)
{
	json_auto_t *tree = load(text);
	const char *key = json_object_iter_key(json_object_iter(tree));
	char pointer[64] = "/";
	size_t n = 1;

	if (!key || strlen(key) > 20)
		return;
	for (const char *c = key; *c; c++)
		n += (size_t)sprintf(pointer + n, *c == '~' ? "~0" : *c == '/' ? "~1" : "%c", *c);
	json_object_del(tree, key);
	if (!memmem(text.p, text.n, "\\u0000", 6))
		check_removal(text, pointer, tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	autofree char *copy = NULL;
	struct span text;

	/* jansson takes no notice of a NUL behind a number, so its tree says nothing then. */
	if (!n || memchr(data + 1, '\0', n - 1))
		return 0;
	copy = fuzz_copy(data + 1, n - 1);
	text = span_bytes(copy, n - 1);
	if (data[0] % 8 < ARRAY_SIZE(additions))
		check_append(text, data[0] % 8);
	else if (data[0] % 8 == 5)
		check_put(text);
	else
		check_first_member_goes(text);
	return 0;
}
