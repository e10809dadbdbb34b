/* SPDX-License-Identifier: Apache-2.0 */
/**
 * suggest.h - what a person probably meant
 */
#ifndef MCPJAIL_POLICY_SUGGEST_H
#define MCPJAIL_POLICY_SUGGEST_H

#include <stdbool.h>
#include <stddef.h>

/**
 * suggest_distance() - Edits between two words, whatever their case
 *
 * An edit inserts, drops or changes a character, or swaps two neighbours (optimal string
 * alignment).
 *
 * Return: the number of edits; SIZE_MAX if a word is longer than 64 bytes
 */
size_t suggest_distance(const char *a, const char *b);

/**
 * suggest_is_better() - Whether a word is meant rather than the best so far
 * @best: Edits of the best so far, SIZE_MAX for none; updated if the answer is yes
 *
 * One edit for three characters, and three in all, are the most that still count as a slip.
 */
bool suggest_is_better(const char *written, const char *candidate, size_t *best);

#endif
