/* SPDX-License-Identifier: Apache-2.0 */
/**
 * policy/presets.h - shipped lists of what a known program needs (policy/egress/NAME.json)
 *
 * A preset is a JSON object with the keys `egress`, `environment`, `filesystem` and `jail` as in
 * a policy, but for what only a person may say, and `telemetry` and `login`: hosts that it leaves
 * out, and why. A policy takes one in by {"preset": "NAME"} in its `egress`.
 */
#ifndef MCPJAIL_POLICY_PRESETS_H
#define MCPJAIL_POLICY_PRESETS_H

#include <stddef.h>

struct policy_preset {
	const char *name;
	const char *text; /* no NUL behind it */
	size_t n;
};

size_t policy_preset_count(void);

/** policy_preset_at() - The @i-th, in no order that means anything; NULL past the last */
const struct policy_preset *policy_preset_at(size_t i);

/** policy_preset_find() - By name; NULL if there is none */
const struct policy_preset *policy_preset_find(const char *name);

/**
 * policy_preset_for_command() - The preset of a known program
 * @argv: Its command line: "claude …", "/usr/bin/codex", "npx -y @google/gemini-cli". Not
 *        "./claude": where the name is relative to a directory, anybody may have put it there
 *
 * Return: the preset; NULL if the program is not known
 */
const struct policy_preset *policy_preset_for_command(char *const *argv);

#endif
