// SPDX-License-Identifier: Apache-2.0
/*
 * Which tiers work is found out as a run does it: by making a jail of each. Beyond what a tier
 * cannot give anywhere, a layer that did not come is something that it cannot give here.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "commands/doctor_parts.h"

static const struct {
	const char *name, *means;
} tiers[DOCTOR_TIERS] = {
	{"a", "by namespaces"},
	{"b", "without namespaces: by seccomp, Landlock and the broker"},
};

/* What is missed without a layer, in a tier that can have it. "": always */
static const struct {
	const char *tier, *layer, *lost;
} losses[] = {
	{"b", "", "the command sees other processes, and the names of all files"},
	{"b", "",
	 "modes and times of your files, and what its own directory runs later outside "
	 "(.git/hooks), are not kept from it"},
	{"b", "",
	 "UDP but for DNS, and new terminals, do not work; programs with musl resolve "
	 "names by HTTPS_PROXY alone"},
	{"b", "signals", "signals to other processes of the same user are not held back"},
	{"b", "ports", "TCP past the broker is held by seccomp alone"},
	{"a", "netlog", "refused UDP and ICMP are not recorded"},
	{"a", "landlock", "files, signals and abstract sockets have no second wall"},
	{"", "processes", "the number of processes is not bounded"},
	{"", "cgroup", "limits count for each process alone, and none is there for CPU"},
	{"", "bpf", "the network has no second wall"},
};

static void find_losses(struct tier_verdict *t)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(losses) && n < DOCTOR_CANNOT_MAX - 1; i++)
		if ((!losses[i].tier[0] || !strcmp(losses[i].tier, t->name)) &&
		    !text_list_has(t->jail.layers, span_of(losses[i].layer)))
			t->cannot[n++] = losses[i].lost;
}

void tiers_examine(const struct doctor_place *place, struct tier_verdict ret[DOCTOR_TIERS],
		   char ret_reason[DOCTOR_TEXT_MAX])
{
	struct jail_verdict chosen;

	doctor_try_jail(place, NULL, &chosen);
	for (size_t i = 0; i < DOCTOR_TIERS; i++) {
		struct tier_verdict *t = &ret[i];

		*t = (struct tier_verdict){.name = tiers[i].name, .means = tiers[i].means};
		t->is_chosen = !strcmp(chosen.tier, t->name);
		if (t->is_chosen)
			t->jail = chosen;
		else if (!doctor_is_ending())
			doctor_try_jail(place, t->name, &t->jail);
		if (t->jail.tier[0])
			find_losses(t);
	}
	snprintf(ret_reason, DOCTOR_TEXT_MAX, "%s", chosen.tier[0] ? "" : chosen.reason);
}
