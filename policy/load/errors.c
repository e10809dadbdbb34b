// SPDX-License-Identifier: Apache-2.0
#include "policy/load/errors.h"

#include <errno.h>
#include <stdlib.h>

void policy_errors_free(struct policy_errors *errors)
{
	if (!errors)
		return;
	for (size_t i = 0; i < errors->n; i++)
		free(errors->items[i].pointer);
	free(errors->items);
	*errors = (struct policy_errors){0};
}

size_t policy_errors_count(const struct policy_errors *errors)
{
	return errors->n;
}

const struct error *policy_errors_at(const struct policy_errors *errors, size_t i)
{
	return i < errors->n ? &errors->items[i].error : NULL;
}

struct policy_place policy_errors_place(const struct policy_errors *errors, size_t i)
{
	const struct policy_error *e = &errors->items[i];

	return (struct policy_place){.line = e->line, .column = e->column, .pointer = e->pointer};
}

#define NAME_LEAST 56 /* bytes of the name that are always kept */

/* Pointer and line matter more than the directory: a long name loses its front. */
static void place_format(const char *name, const struct policy_place *place, char *ret, size_t size)
{
	char rest[sizeof(((struct error *)NULL)->where) - NAME_LEAST];
	size_t n = strlen(name), room;

	snprintf(rest, sizeof(rest), ":%zu:%zu%s%s", place->line, place->column,
		 place->pointer[0] ? " " : "", place->pointer);
	room = size - 1 - strlen(rest);
	if (n > room)
		name += n - room;
	snprintf(ret, size, "%s%.*s%s", n > room ? "..." : "", (int)room,
		 n > room ? name + 3 : name, rest);
}

static struct policy_error *errors_grow(struct policy_errors *errors)
{
	struct policy_error *grown =
		reallocarray(errors->items, errors->n + 1, sizeof(*errors->items));

	if (grown)
		errors->items = grown;
	return grown;
}

int policy_errors_add(struct policy_errors *errors, const char *name,
		      const struct policy_place *place, const char *what, const char *mend)
{
	struct policy_error e = {.line = place->line, .column = place->column};
	char where[sizeof(e.error.where)];
	size_t i;

	if (!errors)
		return 0;
	if (errors->n == POLICY_ERRORS_MAX) {
		errors->omitted++;
		return 0;
	}
	if (!errors_grow(errors))
		return -ENOMEM;
	e.pointer = strdup(place->pointer);
	if (!e.pointer)
		return -ENOMEM;
	place_format(name, place, where, sizeof(where));
	error_set(&e.error, where, mend, "%s", what);
	for (i = errors->n; i > 0; i--) {
		const struct policy_error *before = &errors->items[i - 1];

		if (before->line < e.line || (before->line == e.line && before->column <= e.column))
			break;
		errors->items[i] = *before;
	}
	errors->items[i] = e;
	errors->n++;
	return 0;
}
