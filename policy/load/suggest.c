// SPDX-License-Identifier: Apache-2.0
#include "policy/load/suggest.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#define WORD_MAX 64
#define SLIP_MAX 3

static int lower(char c)
{
	return tolower((unsigned char)c);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t suggest_distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2];
	size_t n = strlen(a), m = strlen(b);

	if (n > WORD_MAX || m > WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= m; j++)
		last[j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *spare = before;

		now[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t change = last[j - 1] + (lower(a[i - 1]) != lower(b[j - 1]));

			now[j] = least(change, least(last[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
			    lower(a[i - 2]) == lower(b[j - 1]))
				now[j] = least(now[j], before[j - 2] + 1);
		}
		before = last;
		last = now;
		now = spare;
	}
	return last[m];
}

bool suggest_is_better(const char *written, const char *candidate, size_t *best)
{
	size_t edits = suggest_distance(written, candidate);
	size_t slip = least((strlen(written) + 2) / 3, SLIP_MAX);

	if (edits >= *best || edits > slip || edits >= strlen(candidate))
		return false;
	*best = edits;
	return true;
}
