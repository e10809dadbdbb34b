// SPDX-License-Identifier: Apache-2.0
/*
 * All ways through the pattern are followed at once: a set of places in it that the text read so
 * far can have led to. There is no going back, so no pattern and no text make it slow.
 */
#include "glob.h"

#include <stdint.h>

/* Pieces of a pattern beside its characters. */
#define PIECE_SEGMENT 0x100 /* `*` */
#define PIECE_ANY     0x101 /* `**` */

struct glob {
	uint16_t pieces[GLOB_MAX];
	size_t n;
	bool is_live[GLOB_MAX + 1]; /* the text so far leads to before this piece */
};

static uint8_t letter(char c, enum glob_case letters)
{
	return (uint8_t)(letters == GLOB_CASE_FOLDED && c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

static bool glob_read(struct glob *g, const char *pattern, enum glob_case letters)
{
	for (; *pattern; pattern++) {
		if (g->n == GLOB_MAX)
			return false;
		if (*pattern != '*') {
			g->pieces[g->n++] = letter(*pattern, letters);
		} else if (pattern[1] == '*') {
			g->pieces[g->n++] = PIECE_ANY;
			pattern++;
		} else {
			g->pieces[g->n++] = PIECE_SEGMENT;
		}
	}
	return true;
}

/* A wildcard may stand for nothing. */
static void glob_skip(struct glob *g)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->is_live[i] && g->pieces[i] >= PIECE_SEGMENT)
			g->is_live[i + 1] = true;
}

static void glob_step(struct glob *g, uint8_t c)
{
	for (size_t i = g->n + 1; i-- > 0;) {
		bool stays = i < g->n && (g->pieces[i] == PIECE_ANY ||
					  (g->pieces[i] == PIECE_SEGMENT && c != '/'));
		bool comes = i > 0 && g->pieces[i - 1] == c && g->is_live[i - 1];

		g->is_live[i] = (stays && g->is_live[i]) || comes;
	}
	glob_skip(g);
}

bool glob_matches(const char *pattern, struct span text, enum glob_case letters)
{
	struct glob g = {.is_live = {true}};

	if (!glob_read(&g, pattern, letters))
		return false;
	glob_skip(&g);
	for (size_t i = 0; i < text.n; i++)
		glob_step(&g, letter(text.p[i], letters));
	return g.is_live[g.n];
}
