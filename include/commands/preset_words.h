/* SPDX-License-Identifier: Apache-2.0 */
/**
 * commands/preset_words.h - what a preset gives the agent, in words
 */
#ifndef MCPJAIL_COMMANDS_PRESET_WORDS_H
#define MCPJAIL_COMMANDS_PRESET_WORDS_H

#include <stddef.h>

#include "policy/presets.h"

#define PRESET_WORDS_BYTES 768

/**
 * preset_words() - "api.example.com; may write ~/.example; gets EXAMPLE_API_KEY"
 * @ret: PRESET_WORDS_BYTES
 *
 * Of the variables only those that the caller has set.
 */
void preset_words(const struct policy_preset *preset, char *ret);

/**
 * preset_names() - The presets that a policy takes in: "claude-code, github"
 * @text: Of a policy that loads
 * @ret:  @size bytes; "" without any, beyond some few the rest is counted
 */
void preset_names(const char *text, size_t n, char *ret, size_t size);

#endif
