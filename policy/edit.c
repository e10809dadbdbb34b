// SPDX-License-Identifier: Apache-2.0
/*
 * What is there and what is missing is asked of jansson's tree; where it lies in the text, of
 * scan_locate(). The text has been checked by then, so that what walks along it here need not
 * look for errors: it only tells strings from what is between them.
 *
 * A new item copies its neighbour: if the last one begins a line, so does the new one, with
 * the same indentation; else both share the line.
 */
#include "policy/edit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"
#include "base/text.h"
#include "policy/json/json_auto.h"
#include "policy/json/scan.h"

#define ITEM_MAX 65536 /* bytes of one addition */

struct edit {
	const char *text; /* sound JSON without duplicate keys */
	size_t n;
	json_t *root; /* owned */
	bool space_after_colon, space_after_comma;
	struct span indent; /* of one level */
};

static void edit_free(struct edit *e)
{
	json_decref(e->root);
}

#define autoedit __attribute__((cleanup(edit_free)))

/* --- along the text ----------------------------------------------------------- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t skip_space(const struct edit *e, size_t at)
{
	while (at < e->n && is_space(e->text[at]))
		at++;
	return at;
}

/* Where the spaces that end at @at begin. */
static size_t space_before(const struct edit *e, size_t at)
{
	while (at && is_space(e->text[at - 1]))
		at--;
	return at;
}

static size_t string_end(const char *text, size_t n, size_t at)
{
	for (at++; at < n && text[at] != '"'; at++)
		at += text[at] == '\\';
	return at + 1;
}

static size_t value_end(const struct edit *e, size_t at)
{
	size_t depth = 0;

	do {
		char c = e->text[at];

		if (c == '"') {
			at = string_end(e->text, e->n, at);
			continue;
		}
		depth += c == '{' || c == '[';
		depth -= c == '}' || c == ']';
		at++;
		/* A number or a word ends where something else begins. */
		if (!depth && !strchr("{}[]", c))
			while (at < e->n && !is_space(e->text[at]) && !strchr(",]}", e->text[at]))
				at++;
	} while (depth && at < e->n);
	return at;
}

/* What an object or a list holds, as far as its layout matters. */
struct children {
	size_t n, last_begin, last_end; /* the last two: 0 if there are none */
};

static struct children children_of(const struct edit *e, size_t open)
{
	char close = e->text[open] == '{' ? '}' : ']';
	struct children c = {0};
	size_t at = skip_space(e, open + 1);

	while (at < e->n && e->text[at] != close) {
		c.last_begin = at;
		if (close == '}') {
			at = skip_space(e, string_end(e->text, e->n, at));
			at = skip_space(e, at + 1);
		}
		c.last_end = value_end(e, at);
		c.n++;
		at = skip_space(e, c.last_end);
		if (at < e->n && e->text[at] == ',')
			at = skip_space(e, at + 1);
	}
	return c;
}

/* The part of some spaces that begins a line, with its line's end; empty if there is none. */
static struct span line_begin(struct span spaces)
{
	size_t i = spaces.n;

	while (i && spaces.p[i - 1] != '\n')
		i--;
	if (!i)
		return (struct span){spaces.p, 0};
	i -= i > 1 && spaces.p[i - 2] == '\r' ? 2 : 1;
	return span_bytes(spaces.p + i, spaces.n - i);
}

static struct span without_line_end(struct span line)
{
	size_t n = line.n && line.p[0] == '\r' ? 2 : line.n ? 1 : 0;

	return span_bytes(line.p + n, line.n - n);
}

static struct span find_indent(const struct edit *e)
{
	struct children c = children_of(e, skip_space(e, 0));
	size_t begin = space_before(e, c.last_begin);
	struct span indent =
		without_line_end(line_begin(span_bytes(e->text + begin, c.last_begin - begin)));

	return indent.n ? indent : span_of("  ");
}

/* How the text is spaced after colons and commas, by the first of each within a line. */
static void find_spacing(struct edit *e)
{
	bool has_colon = false, has_comma = false;

	e->space_after_colon = true;
	for (size_t at = 0; at + 1 < e->n && !(has_colon && has_comma); at++) {
		char next = e->text[at + 1];

		if (e->text[at] == '"') {
			at = string_end(e->text, e->n, at) - 1;
		} else if (e->text[at] == ':' && !has_colon) {
			e->space_after_colon = is_space(next);
			has_colon = true;
		} else if (e->text[at] == ',' && !has_comma && next != '\n' && next != '\r') {
			e->space_after_comma = is_space(next);
			has_comma = true;
		}
	}
	if (!has_comma)
		e->space_after_comma = e->space_after_colon;
}

/* --- pointers ------------------------------------------------------------------- */

/*
 * Only what scan_locate() writes for a place will do: another spelling would be followed in the
 * tree and not be found in the text.
 */
static bool pointer_is_sound(const char *pointer)
{
	if (pointer[0] != '/' || strlen(pointer) >= EDIT_POINTER_MAX)
		return false;
	for (const char *p = strchr(pointer, '~'); p; p = strchr(p + 1, '~'))
		if (p[1] != '0' && p[1] != '1')
			return false;
	return true;
}

/* One step of a pointer, unescaped (RFC 6901 §4). @ret holds EDIT_POINTER_MAX bytes. */
static size_t read_step(const char *pointer, char *ret)
{
	size_t at = 1, n = 0;

	for (; pointer[at] && pointer[at] != '/'; at++) {
		if (pointer[at] == '~')
			ret[n++] = pointer[++at] == '0' ? '~' : '/';
		else
			ret[n++] = pointer[at];
	}
	ret[n] = '\0';
	return at;
}

static json_t *step_into(json_t *value, const char *step)
{
	char *end;
	unsigned long i;

	if (json_is_object(value))
		return json_object_get(value, step);
	if (!json_is_array(value) || step[0] < '0' || step[0] > '9' || (step[0] == '0' && step[1]))
		return NULL;
	i = strtoul(step, &end, 10);
	return *end ? NULL : json_array_get(value, i);
}

/* Go as far along a pointer as the tree does. @ret_done: bytes of it that led to the answer. */
static json_t *follow(const struct edit *e, const char *pointer, size_t *ret_done)
{
	json_t *value = e->root, *next;
	char step[EDIT_POINTER_MAX];
	size_t done = 0;

	while (pointer[done]) {
		size_t n = read_step(pointer + done, step);

		next = step_into(value, step);
		if (!next)
			break;
		value = next;
		done += n;
	}
	*ret_done = done;
	return value;
}

static size_t locate(const struct edit *e, const char *pointer, size_t bytes, enum scan_part part)
{
	char prefix[EDIT_POINTER_MAX];

	span_copy(span_bytes(pointer, bytes), prefix, sizeof(prefix));
	return scan_locate(e->text, e->n, prefix, part);
}

static void note_problem(void *context, const struct scan_problem *problem)
{
	struct error *err = context;

	if (!err->what[0])
		error_set(err, NULL, problem->mend, "%s", problem->what);
}

static int edit_begin(struct edit *e, const char *text, size_t n, const char *pointer,
		      struct error *err)
{
	struct error problem = {.what = ""};
	int r = scan_check(text, n, note_problem, &problem);

	*e = (struct edit){.text = text, .n = n};
	if (r == -ENOMEM)
		return r;
	if (!pointer_is_sound(pointer))
		error_set(&problem, NULL, NULL, "'%.80s' is no place that can be changed", pointer);
	if (problem.what[0]) {
		error_set(err, "policy", problem.mend, "%s", problem.what);
		return -EINVAL;
	}
	e->root = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
	if (!e->root) {
		error_set(err, "policy", NULL, "is no JSON object");
		return -EINVAL;
	}
	e->indent = find_indent(e);
	find_spacing(e);
	return 0;
}

/* --- additions ------------------------------------------------------------------ */

struct addition {
	const char *rest; /* steps of the pointer that are not there yet, "/environment/pass" */
	bool to_list;     /* the value goes into a list, at the end of @rest */
	const char *value;
};

struct item {
	struct buf text;
	int r; /* of what was put so far */
};

static void item_free(struct item *item)
{
	buf_free(&item->text);
}

#define autoitem __attribute__((cleanup(item_free)))

static void put(struct item *item, struct span bytes)
{
	if (!item->r)
		item->r = buf_append(&item->text, bytes.p, bytes.n);
}

/* JSON text spaced as the policy is. */
static void put_spaced(const struct edit *e, struct item *item, const char *value)
{
	size_t n = strlen(value);

	for (size_t at = 0, end; at < n; at = end) {
		end = value[at] == '"' ? string_end(value, n, at) : at + 1;
		if (is_space(value[at]))
			continue;
		put(item, span_bytes(value + at, end - at));
		if ((value[at] == ':' && e->space_after_colon) ||
		    (value[at] == ',' && e->space_after_comma))
			put(item, span_of(" "));
	}
}

static void put_key(const struct edit *e, struct item *item, const char *key)
{
	if (!item->r)
		item->r = text_append_json_string(&item->text, key, strlen(key));
	put(item, span_of(e->space_after_colon ? ": " : ":"));
}

/*
 * A new list of objects in a policy that has one member a line gets one object a line, too.
 * @line: what begins a line of the enclosing object's; empty if it is within one.
 */
static void put_list(const struct edit *e, struct item *item, const char *value, struct span line)
{
	bool by_line = line.n && value[0] == '{';

	put(item, span_of("["));
	if (by_line) {
		put(item, line);
		put(item, e->indent);
	}
	put_spaced(e, item, value);
	if (by_line)
		put(item, line);
	put(item, span_of("]"));
}

static void put_item(const struct edit *e, struct item *item, const struct addition *a,
		     struct span line)
{
	char step[EDIT_POINTER_MAX];
	size_t depth = 0;

	for (const char *rest = a->rest; *rest; depth++) {
		rest += read_step(rest, step);
		if (depth)
			put(item, span_of("{"));
		put_key(e, item, step);
	}
	if (depth && a->to_list)
		put_list(e, item, a->value, depth == 1 ? line : span_of(""));
	else
		put_spaced(e, item, a->value);
	for (; depth > 1; depth--)
		put(item, span_of("}"));
}

/* Put an item behind the last one of the object or list that opens at @open. */
static int insert(const struct edit *e, size_t open, const struct addition *a, struct buf *ret)
{
	autoitem struct item item = {.text = BUF_INIT(ITEM_MAX)};
	struct children c = children_of(e, open);
	size_t at = c.n ? c.last_end : open + 1, behind = at;
	size_t gap_at = c.n ? space_before(e, c.last_begin) : at;
	struct span gap = {e->text + gap_at, (c.n ? c.last_begin : skip_space(e, at)) - gap_at};
	struct span line = line_begin(gap);
	int r;

	if (line.n)
		gap = line;
	else if (c.n <= 1)
		gap = span_of(c.n && e->space_after_comma ? " " : "");
	if (!c.n && !line.n)
		behind = skip_space(e, at);
	if (c.n)
		put(&item, span_of(","));
	put(&item, gap);
	/* Of an empty one over several lines, the only line known is its end's. */
	if (!c.n && line.n)
		put(&item, e->indent);
	put_item(e, &item, a, c.n ? line : span_of(""));
	r = item.r ? item.r : buf_append(ret, e->text, at);
	if (!r)
		r = buf_append(ret, item.text.data, item.text.len);
	return r ? r : buf_append(ret, e->text + behind, e->n - behind);
}

static bool holds(const json_t *list, const char *element)
{
	autojson json_t *wanted = json_loads(element, JSON_DECODE_ANY, NULL);
	const json_t *value;
	size_t i;

	json_array_foreach (list, i, value)
		if (wanted && json_equal(value, wanted))
			return true;
	return false;
}

static int add(const struct edit *e, const char *pointer, struct addition *a, struct buf *ret,
	       struct error *err)
{
	size_t done;
	json_t *value = follow(e, pointer, &done);
	char there[EDIT_POINTER_MAX];
	int r;

	a->rest = pointer + done;
	if (!*a->rest && (!a->to_list || (json_is_array(value) && holds(value, a->value)))) {
		r = buf_append(ret, e->text, e->n);
		return r ? r : -EEXIST;
	}
	span_copy(span_bytes(pointer, done), there, sizeof(there));
	if (!(*a->rest ? json_is_object(value) : json_is_array(value))) {
		error_set(err, there, NULL, "must be %s for this to be added",
			  *a->rest ? "an object" : "a list");
		return -EINVAL;
	}
	return insert(e, locate(e, pointer, done, SCAN_VALUE), a, ret);
}

int edit_append(const char *text, size_t n, const char *list, const char *element, struct buf *ret,
		struct error *err)
{
	struct addition a = {.to_list = true, .value = element};
	autoedit struct edit e = {.root = NULL};
	int r = edit_begin(&e, text, n, list, err);

	return r ? r : add(&e, list, &a, ret, err);
}

int edit_put(const char *text, size_t n, const char *pointer, const char *value, struct buf *ret,
	     struct error *err)
{
	struct addition a = {.to_list = false, .value = value};
	autoedit struct edit e = {.root = NULL};
	int r = edit_begin(&e, text, n, pointer, err);

	return r ? r : add(&e, pointer, &a, ret, err);
}

/* --- removals --------------------------------------------------------------------- */

int edit_remove(const char *text, size_t n, const char *pointer, struct buf *ret, struct error *err)
{
	autoedit struct edit e = {.root = NULL};
	size_t begin, end, done, next, before;
	int r = edit_begin(&e, text, n, pointer, err);

	if (r)
		return r;
	follow(&e, pointer, &done);
	if (pointer[done])
		return -ENOENT;
	begin = locate(&e, pointer, done, SCAN_KEY);
	end = value_end(&e, locate(&e, pointer, done, SCAN_VALUE));
	next = skip_space(&e, end);
	before = space_before(&e, begin);
	if (text[next] == ',') { /* what follows takes its place */
		end = skip_space(&e, next + 1);
	} else { /* the last: with the comma before it, or with all spaces if it was the only one */
		if (text[before - 1] != ',')
			end = next;
		begin = text[before - 1] == ',' ? before - 1 : before;
	}
	r = buf_append(ret, text, begin);
	return r ? r : buf_append(ret, text + end, n - end);
}
