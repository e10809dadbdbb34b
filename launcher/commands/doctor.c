// SPDX-License-Identifier: Apache-2.0
/*
 * `mcpjail doctor`: first a jail is made, as a run makes it; that decides. The probes then
 * tell what it is made of, and, where none can be made, what is in the way.
 */
#include "commands/doctor.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "commands/doctor_parts.h"

#define EXIT_WORKS  0
#define EXIT_BROKEN 1
#define EXIT_MISUSE 2

struct options {
	bool as_json, tries_tls, wants_apparmor, wants_help;
};

struct report {
	const struct options *options;
	struct host_facts facts;
	struct tier_verdict tiers[DOCTOR_TIERS];
	const struct tier_verdict *chosen; /* NULL: none works */
	char reason[DOCTOR_TEXT_MAX];      /* why not */
	struct check checks[DOCTOR_CHECKS_MAX];
	size_t n_checks;
	json_t *runtimes; /* what was tried, for --json; NULL: nothing was */
	bool one_distrusts;
};

/* --- as text ------------------------------------------------------------------------------- */

static const char *state_word(enum check_state state)
{
	switch (state) {
	case CHECK_MISSING:
		return "missing";
	case CHECK_UNTRIED:
		return "untried";
	case CHECK_OK:
		return "ok";
	}
	return "";
}

static void print_check(const struct check *c)
{
	bool tells = c->state == CHECK_MISSING || c->weight == CHECK_MACHINE;

	printf("  %-8s %-16s  %s\n", state_word(c->state), c->name, c->gives);
	if (c->detail[0] && tells)
		printf("%29s%s\n", "", c->detail);
	if (c->mend[0])
		printf("%29smend: %s\n", "", c->mend);
}

/* Those in the way at length. */
static void print_setting(const struct check *c)
{
	printf("  %-8s %s = %s\n", c->state == CHECK_OK ? "ok" : "REFUSES", c->name, c->detail);
	if (c->state != CHECK_OK)
		printf("%11s%s\n%11smend: %s\n", "", c->gives, "", c->mend);
}

static void print_checks(const struct report *r, enum check_weight weight, const char *title)
{
	printf("\n%s\n", title);
	for (size_t i = 0; i < r->n_checks; i++)
		if (r->checks[i].weight == weight && weight == CHECK_SETTING)
			print_setting(&r->checks[i]);
		else if (r->checks[i].weight == weight)
			print_check(&r->checks[i]);
}

static void print_host(const struct report *r)
{
	printf("mcpjail " MCPJAIL_VERSION " on %s, as %s", r->facts.kernel,
	       !r->facts.is_root       ? "an unprivileged user"
	       : r->facts.is_in_userns ? "root of a user namespace"
				       : "root");
	if (r->facts.container)
		printf(", with the marks of %s", r->facts.container);
	if (r->facts.is_in_a_jail)
		printf(", in a jail of mcpjail");
	else if (r->facts.has_filter)
		printf(", under somebody's seccomp filter");
	putchar('\n');
}

static void print_tier(const struct tier_verdict *t)
{
	if (!t->jail.tier[0]) {
		printf("tier %s (%s) does not work: %s\n", t->name, t->means, t->jail.reason);
		return;
	}
	printf("tier %s works%s: a jail was made, with %s\n", t->name,
	       t->is_chosen ? "" : ", if it is asked for (--tier)", t->jail.layers);
	for (size_t i = 0; t->cannot[i]; i++)
		printf("    but %s\n", t->cannot[i]);
}

static void print_report(const struct report *r)
{
	static const struct {
		enum check_weight weight;
		const char *title;
	} sections[] = {
		{CHECK_NEEDED, "no jail without (what needs something that is missing is untried)"},
		{CHECK_TIER_A, "no tier a without"},
		{CHECK_TIER_B, "no tier b without"},
		{CHECK_WANTED, "better with"},
		{CHECK_SETTING, "settings of the kernel"},
		{CHECK_MACHINE, "this machine"},
	};

	print_host(r);
	if (!r->chosen)
		printf("NO JAIL can be made here, and nothing would run: %s\n", r->reason);
	for (size_t i = 0; i < DOCTOR_TIERS && r->tiers[i].name; i++)
		if (r->tiers[i].is_chosen)
			print_tier(&r->tiers[i]);
	for (size_t i = 0; i < DOCTOR_TIERS && r->tiers[i].name; i++)
		if (!r->tiers[i].is_chosen)
			print_tier(&r->tiers[i]);
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		print_checks(r, sections[i].weight, sections[i].title);
}

static void print_runtime(const struct runtime_verdict *v)
{
	printf("  %-8s %-16s  %s\n", v->is_trusting ? "trusts" : "REFUSES", v->name,
	       v->version[0] ? v->version : "unknown version");
	printf("%29sshows: %s (%u ms)\n", "", v->shows, v->took_ms);
	if (v->detail[0])
		printf("%29s%s\n", "", v->detail);
	if (v->mend)
		printf("%29smend: %s\n", "", v->mend);
	fflush(stdout);
}

/* --- as JSON ---------------------------------------------------------------------------------- */

/* Text that may not be UTF-8, which jansson would refuse, is left out. */
static json_t *text_or_null(const char *text)
{
	json_t *value = text && *text ? json_string(text) : NULL;

	return value ? value : json_null();
}

static json_t *check_as_json(const struct check *c)
{
	static const char *const weights[CHECK_WEIGHTS] = {
		[CHECK_NEEDED] = "needed", [CHECK_TIER_A] = "tier a",   [CHECK_TIER_B] = "tier b",
		[CHECK_WANTED] = "wanted", [CHECK_SETTING] = "setting", [CHECK_MACHINE] = "machine",
	};
	json_t *ok = c->state == CHECK_UNTRIED ? json_null() : json_boolean(c->state == CHECK_OK);

	return json_pack("{s:s, s:o, s:s, s:s, s:o, s:o}", "name", c->name, "ok", ok, "weight",
			 weights[c->weight], "gives", c->gives, "detail", text_or_null(c->detail),
			 "mend", text_or_null(c->mend));
}

static json_t *runtime_as_json(const struct runtime_verdict *v)
{
	return json_pack("{s:s, s:o, s:b, s:s, s:o, s:o, s:i}", "name", v->name, "version",
			 text_or_null(v->version), "trusts", v->is_trusting, "shows", v->shows,
			 "detail", text_or_null(v->detail), "mend", text_or_null(v->mend), "ms",
			 (int)v->took_ms);
}

static json_t *layers_as_json(const char *layers)
{
	json_t *list = json_array();

	while (*layers) {
		size_t n = strcspn(layers, ",");

		json_array_append_new(list, json_stringn(layers, n));
		layers += n + (layers[n] == ',');
	}
	return list;
}

static json_t *tier_as_json(const struct tier_verdict *t)
{
	json_t *cannot = json_array();

	for (size_t i = 0; t->cannot[i]; i++)
		json_array_append_new(cannot, json_string(t->cannot[i]));
	return json_pack("{s:s, s:s, s:b, s:b, s:o, s:o, s:o}", "name", t->name, "means", t->means,
			 "works", t->jail.tier[0] != '\0', "chosen", t->is_chosen, "layers",
			 layers_as_json(t->jail.layers), "cannot", cannot, "reason",
			 text_or_null(t->jail.reason));
}

static void print_json(const struct report *r)
{
	json_t *checks = json_array(), *tiers = json_array(), *all;

	for (size_t i = 0; i < r->n_checks; i++)
		json_array_append_new(checks, check_as_json(&r->checks[i]));
	for (size_t i = 0; i < DOCTOR_TIERS && r->tiers[i].name; i++)
		json_array_append_new(tiers, tier_as_json(&r->tiers[i]));
	all = json_pack("{s:s, s:o, s:o, s:o, s:o, s:{s:s, s:b, s:b, s:o, s:b, s:b}, s:o}",
			"version", MCPJAIL_VERSION, "tier",
			text_or_null(r->chosen ? r->chosen->name : NULL), "layers",
			layers_as_json(r->chosen ? r->chosen->jail.layers : ""), "reason",
			text_or_null(r->reason), "tiers", tiers, "host", "kernel", r->facts.kernel,
			"root", r->facts.is_root, "user_namespace", r->facts.is_in_userns,
			"container", text_or_null(r->facts.container), "seccomp_filter",
			r->facts.has_filter, "in_a_jail", r->facts.is_in_a_jail, "checks", checks);
	if (r->runtimes)
		json_object_set(all, "runtimes", r->runtimes);
	json_dumpf(all, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(all);
}

/* --- the command --------------------------------------------------------------------------- */

static void on_runtime(void *context, const struct runtime_verdict *v)
{
	struct report *r = context;

	r->one_distrusts |= !v->is_trusting;
	if (r->options->as_json)
		json_array_append_new(r->runtimes, runtime_as_json(v));
	else
		print_runtime(v);
}

static void try_runtimes(struct report *r, const struct doctor_place *place)
{
	int error;

	r->runtimes = json_array();
	if (!r->options->as_json)
		printf("\nruntimes, each in a jail of its own\n");
	fflush(stdout);
	if (!r->chosen) {
		if (!r->options->as_json)
			printf("  not tried: there is no jail to try them in\n");
		return;
	}
	error = runtimes_try(place, r->chosen->name, on_runtime, r);
	if (!error)
		return;
	log_error("the server for the runtimes could not be started: %s", strerror(-error));
	r->one_distrusts = true;
}

static void examine(struct report *r, const struct doctor_place *place, int place_error)
{
	host_facts_read(&r->facts);
	if (place_error)
		snprintf(r->reason, sizeof(r->reason),
			 "no directory to work in could be made ($TMPDIR, else /tmp): %s",
			 strerror(-place_error));
	else
		tiers_examine(place, r->tiers, r->reason);
	for (size_t i = 0; i < DOCTOR_TIERS; i++)
		if (r->tiers[i].is_chosen)
			r->chosen = &r->tiers[i];
	r->n_checks = probes_run(&r->facts, r->checks, DOCTOR_CHECKS_MAX);
	r->n_checks += settings_checks(&r->facts, r->checks + r->n_checks,
				       DOCTOR_CHECKS_MAX - r->n_checks);
	r->n_checks += host_checks(r->checks + r->n_checks, DOCTOR_CHECKS_MAX - r->n_checks);
}

static int diagnose(const struct options *options)
{
	struct doctor_place place = {.path = ""};
	struct report r = {.options = options};
	sigset_t before;
	int error;

	doctor_hold_signals(&before);
	error = doctor_place_make(&place);
	examine(&r, &place, error);
	if (!options->as_json)
		print_report(&r);
	if (options->tries_tls)
		try_runtimes(&r, &place);
	doctor_place_remove(&place);
	/* What came meanwhile ends us here. */
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (options->as_json)
		print_json(&r);
	json_decref(r.runtimes);
	return r.chosen && !r.one_distrusts ? EXIT_WORKS : EXIT_BROKEN;
}

static void print_usage(FILE *out)
{
	fputs("usage: mcpjail doctor [--tls] [--json] | --apparmor\n"
	      "\n"
	      "Makes a jail of each tier to see which work here, and which a run would choose;\n"
	      "says what each cannot give, what is missing, and the command that mends it.\n"
	      "\n"
	      "  --tls       also try which runtimes (curl, git, Node, Python, Java, …) trust it\n"
	      "  --json      one JSON object on standard output\n"
	      "  --apparmor  only print the AppArmor profile that lets this program make\n"
	      "              namespaces where that is restricted, as by Ubuntu 24.04\n"
	      "\n"
	      "exit status: 0 a jail can be made, and with --tls every runtime found trusts it;\n"
	      "1 not; 2 wrong usage\n",
	      out);
}

static int parse(char **arguments, struct options *ret)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = {{"--json", &ret->as_json},
		     {"--tls", &ret->tries_tls},
		     {"--apparmor", &ret->wants_apparmor},
		     {"--help", &ret->wants_help},
		     {"-h", &ret->wants_help}};

	for (; *arguments; arguments++) {
		size_t i = 0;

		while (i < ARRAY_SIZE(flags) && strcmp(*arguments, flags[i].name))
			i++;
		if (i == ARRAY_SIZE(flags)) {
			log_error("doctor: %s is not known; there are --tls, --json and "
				  "--apparmor",
				  *arguments);
			return -EINVAL;
		}
		*flags[i].flag = true;
	}
	return 0;
}

static int tell_apparmor(void)
{
	int r = apparmor_print();

	if (r)
		log_error("the profile cannot be written: %s",
			  r == -EINVAL ? "this program's path has a line break" : strerror(-r));
	return r ? EXIT_BROKEN : EXIT_WORKS;
}

int command_doctor(int argc, char **argv)
{
	struct options options = {.as_json = false};

	(void)argc;
	if (parse(argv + 1, &options))
		return EXIT_MISUSE;
	if (options.wants_help) {
		print_usage(stdout);
		return EXIT_WORKS;
	}
	if (options.wants_apparmor)
		return tell_apparmor();
	return diagnose(&options);
}
