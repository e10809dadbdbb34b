// SPDX-License-Identifier: Apache-2.0
#include "paths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

void path_free(struct path *path)
{
	for (size_t i = 0; i < path->n; i++)
		free(path->steps[i].name);
	free(path->steps);
	*path = (struct path){0};
}

/* ".name": anything but the signs of the path language. */
static int step_parse_member(const char **at, struct step *ret)
{
	size_t n = strcspn(*at + 1, ".[]*");

	if (!n)
		return -EINVAL;
	ret->kind = STEP_MEMBER;
	ret->name = strndup(*at + 1, n);
	*at += 1 + n;
	return ret->name ? 0 : -ENOMEM;
}

/* "[*]" or "[12]". */
static int step_parse_element(const char **at, struct step *ret)
{
	const char *digits = *at + 1;
	size_t n = strspn(digits, "0123456789");

	if (!strncmp(digits, "*]", 2)) {
		ret->kind = STEP_EACH;
		*at += 3;
		return 0;
	}
	if (!n || n > 9 || digits[n] != ']')
		return -EINVAL;
	ret->kind = STEP_INDEX;
	ret->index = strtoul(digits, NULL, 10);
	*at += n + 2;
	return 0;
}

int path_parse(const char *text, struct path *ret, const char **ret_what)
{
	__attribute__((cleanup(path_free))) struct path path = {0};
	const char *at = text;

	if (!strncmp(text, "args", 4))
		at += 4;
	if (at == text || (*at && *at != '.' && *at != '[')) {
		*ret_what = "a path begins with `args`";
		return -EINVAL;
	}
	path.steps = calloc(PATH_STEPS_MAX, sizeof(*path.steps));
	if (!path.steps)
		return -ENOMEM;
	while (*at) {
		int r = -EINVAL;

		if (path.n == PATH_STEPS_MAX) {
			*ret_what = "a path has at most 16 steps";
			return -EINVAL;
		}
		if (*at == '.')
			r = step_parse_member(&at, &path.steps[path.n]);
		else if (*at == '[')
			r = step_parse_element(&at, &path.steps[path.n]);
		if (r) {
			*ret_what = "a step is `.name`, `[0]` or `[*]`";
			return r;
		}
		path.n++;
	}
	*ret = path;
	path = (struct path){0};
	return 0;
}

/* What has become of a value: kept, perhaps changed within, or to be replaced by its owner. */
enum redaction { REDACTION_KEPT = 0, REDACTION_REPLACE };

static int redact_within(json_t *value, const struct step *steps, size_t n, json_t *marker);

static int redact_member(json_t *object, const struct step *steps, size_t n, json_t *marker)
{
	json_t *child = json_object_get(object, steps->name);
	int r;

	if (!json_is_object(object))
		return REDACTION_REPLACE;
	if (!child)
		return REDACTION_KEPT;
	r = redact_within(child, steps + 1, n - 1, marker);
	if (r == REDACTION_REPLACE)
		return json_object_set(object, steps->name, marker) ? -ENOMEM : REDACTION_KEPT;
	return r;
}

static int redact_elements(json_t *array, const struct step *steps, size_t n, json_t *marker)
{
	size_t first = steps->kind == STEP_EACH ? 0 : steps->index;
	size_t end = steps->kind == STEP_EACH ? json_array_size(array) : first + 1;

	if (!json_is_array(array))
		return REDACTION_REPLACE;
	for (size_t i = first; i < end && i < json_array_size(array); i++) {
		int r = redact_within(json_array_get(array, i), steps + 1, n - 1, marker);

		if (r == REDACTION_REPLACE)
			r = json_array_set(array, i, marker) ? -ENOMEM : 0;
		if (r)
			return r;
	}
	return REDACTION_KEPT;
}

/* Return: enum redaction; -ENOMEM. The depth is that of the path, not of the value. */
static int redact_within(json_t *value, const struct step *steps, size_t n, json_t *marker)
{
	if (!n)
		return REDACTION_REPLACE;
	if (steps->kind == STEP_MEMBER)
		return redact_member(value, steps, n, marker);
	return redact_elements(value, steps, n, marker);
}

int path_redact(const struct path *path, json_t *marker, json_t **value)
{
	int r = redact_within(*value, path->steps, path->n, marker);

	if (r != REDACTION_REPLACE)
		return r;
	json_decref(*value);
	*value = json_incref(marker);
	return 0;
}
