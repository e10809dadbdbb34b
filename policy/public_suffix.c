// SPDX-License-Identifier: Apache-2.0
/*
 * The list is publicsuffix.org's, in the compact form that Debian's package publicsuffix has
 * it in and that is built in as it is: an acyclic automaton of bytes (DAFSA), in the encoding of
 * Chromium. It needs no preparation at start and 50 KiB; libpsl would bring libidn2 and
 * libunistring for the sake of names that are no policy's normal form.
 *
 * A node is a list of offsets, each from the label before it, of one to three bytes, the last
 * one with the top bit set. They lead to labels: characters, of which the last has the top bit
 * set and is followed by its own list of offsets; or, in its place, 0x80 and four flags: here
 * a name of the list ends.
 */
#include "public_suffix.h"

#include <stdint.h>
#include <string.h>

static const uint8_t list[] = {
#include "public_suffixes.inc"
};

#define LIST_HEADER  16 /* ".DAFSA@PSL_0" and blanks */
#define LAST         0x80
#define NOT_LISTED   (-1)
#define IS_EXCEPTION 1 /* "!NAME": none, though a wildcard says so */
#define IS_WILDCARD  2 /* "*.NAME" */

/* The labels that may follow; both pointers stay within the list. */
struct labels {
	const uint8_t *offset; /* of the next one; NULL past the last */
	const uint8_t *label;
};

static bool labels_next(struct labels *l)
{
	const uint8_t *p = l->offset, *end = list + sizeof(list);
	size_t distance, n = 1;

	if (!p || end - p < 3)
		return false;
	distance = p[0] & 0x3f;
	if ((p[0] & 0x60) == 0x60) {
		distance = (size_t)(p[0] & 0x1f) << 16 | (size_t)p[1] << 8 | p[2];
		n = 3;
	} else if ((p[0] & 0x60) == 0x40) {
		distance = (size_t)(p[0] & 0x1f) << 8 | p[1];
		n = 2;
	}
	if (distance >= (size_t)(end - l->label))
		return false;
	l->label += distance;
	l->offset = p[0] & LAST ? NULL : p + n;
	return true;
}

/* Return: the flags of a name of the list, or NOT_LISTED. */
static int list_find(const char *name)
{
	const uint8_t *end = list + sizeof(list);
	/* cppcheck-suppress pointerOutOfBounds ; it sees no generated files */
	struct labels l = {.offset = list + LIST_HEADER, .label = list + LIST_HEADER};

	while (labels_next(&l)) {
		const uint8_t *label = l.label;
		const char *rest = name;

		for (; label < end && *rest && *label == (uint8_t)*rest; label++)
			rest++;
		if (label == end)
			return NOT_LISTED;
		if (!*rest && (*label & 0xf0) == LAST)
			return *label & 0x0f;
		if (*rest && *label == (LAST | (uint8_t)*rest)) {
			name = rest + 1;
			l = (struct labels){.offset = label + 1, .label = label + 1};
		} else if (rest != name) {
			return NOT_LISTED; /* no two labels of a node begin alike */
		}
	}
	return NOT_LISTED;
}

bool public_suffix_is(const char *name)
{
	const char *dot = strchr(name, '.');
	int flags = list_find(name), above;

	if (!dot)
		return true;
	if (flags != NOT_LISTED)
		return !(flags & IS_EXCEPTION);
	above = list_find(dot + 1);
	return above != NOT_LISTED && (above & IS_WILDCARD);
}
