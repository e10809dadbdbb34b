// SPDX-License-Identifier: Apache-2.0
#include "fax.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define BASE_CENTS    200
#define BASE_PAGES    5
#define PAGE_CENTS    10
#define MOST_CENTS    450
#define PAGES_UNNAMED 3
#define DOCUMENTS_MAX 20

struct fax {
	json_t *tools;
	json_t *sessions; /* id → {documents: [{documentId, fileName, pages}]} */
	json_t *intents;  /* id → {sessionId, faxNumber, pages, amountCents, state} */
	uint32_t seed;    /* so that ids of two servers differ */
	unsigned next_id;
};

static const char tools_text[] = {
#include "fake_tools.inc"
};

const json_t *fax_tools(const struct fax *fax)
{
	return fax->tools;
}

/* Store @value under a new id; forget the oldest entry of a full map. */
static void map_add(json_t *map, const char *id, json_t *value)
{
	if (json_object_size(map) >= FAX_SESSIONS_MAX)
		json_object_del(map, json_object_iter_key(json_object_iter(map)));
	json_object_set_new(map, id, value);
}

static void id_new(struct fax *fax, const char *kind, char *ret_id, size_t size)
{
	snprintf(ret_id, size, "%s_%08x%05u", kind, fax->seed, fax->next_id++);
}

struct fax *fax_new(void)
{
	struct fax *fax = calloc(1, sizeof(*fax));

	if (!fax)
		return NULL;
	if (getrandom(&fax->seed, sizeof(fax->seed), 0) != sizeof(fax->seed))
		fax->seed = 0;
	fax->tools = json_loadb(tools_text, sizeof(tools_text), 0, NULL);
	fax->sessions = json_object();
	fax->intents = json_object();
	if (!fax->tools || !fax->sessions || !fax->intents) {
		fax_free(fax);
		return NULL;
	}
	map_add(fax->sessions, "ses_demo", json_pack("{s:[]}", "documents"));
	map_add(fax->intents, "int_demo",
		json_pack("{s:s,s:s,s:i,s:i,s:s}", "sessionId", "ses_demo", "faxNumber",
			  "+12025550142", "pages", 1, "amountCents", BASE_CENTS, "state",
			  "delivered"));
	return fax;
}

void fax_free(struct fax *fax)
{
	if (!fax)
		return;
	json_decref(fax->tools);
	json_decref(fax->sessions);
	json_decref(fax->intents);
	free(fax);
}

static const char *text_of(const json_t *arguments, const char *key)
{
	const char *text = json_string_value(json_object_get(arguments, key));

	return text ? text : "";
}

/* The number in "-12p." or at the end of "-12p"; what has none counts PAGES_UNNAMED. */
static int pages_of(const char *name)
{
	for (const char *dash = strchr(name, '-'); dash; dash = strchr(dash + 1, '-')) {
		char *end;
		long pages = strtol(dash + 1, &end, 10);

		if (end != dash + 1 && *end == 'p' && pages > 0 && pages <= 200)
			return (int)pages;
	}
	return PAGES_UNNAMED;
}

static int cents_of(int pages)
{
	int cents = BASE_CENTS + (pages > BASE_PAGES ? (pages - BASE_PAGES) * PAGE_CENTS : 0);

	return cents > MOST_CENTS ? MOST_CENTS : cents;
}

static void document_add(struct fax *fax, json_t *documents, const char *name)
{
	const char *base = strrchr(name, '/');
	char id[32];

	if (json_array_size(documents) >= DOCUMENTS_MAX)
		return;
	id_new(fax, "doc", id, sizeof(id));
	base = base ? base + 1 : name;
	json_array_append_new(documents, json_pack("{s:s,s:s,s:i}", "documentId", id, "fileName",
						   base, "pages", pages_of(base)));
}

static json_t *session_of(const struct fax *fax, const json_t *arguments, char *problem)
{
	json_t *session = json_object_get(fax->sessions, text_of(arguments, "sessionId"));

	if (!session)
		snprintf(problem, FAX_PROBLEM_MAX, "no such session; call start_session first");
	return session;
}

static json_t *intent_of(const struct fax *fax, const json_t *arguments, char *problem)
{
	json_t *intent = json_object_get(fax->intents, text_of(arguments, "sendIntentId"));

	if (intent && !strcmp(text_of(intent, "sessionId"), text_of(arguments, "sessionId")))
		return intent;
	snprintf(problem, FAX_PROBLEM_MAX, "no such fax in this session; call get_quote first");
	return NULL;
}

static const char *state_of(const json_t *intent)
{
	return text_of(intent, "state");
}

static json_t *state_set(json_t *intent, const char *state)
{
	json_object_set_new(intent, "state", json_string(state));
	return json_deep_copy(intent);
}

static json_t *on_start_session(struct fax *fax, const json_t *arguments, char *problem)
{
	json_t *documents = json_array(), *file;
	char id[32];
	size_t i;

	(void)problem;
	json_array_foreach (json_object_get(arguments, "files"), i, file) {
		const char *name = text_of(file, "fileName");

		document_add(fax, documents, *name ? name : text_of(file, "url"));
	}
	id_new(fax, "ses", id, sizeof(id));
	map_add(fax->sessions, id, json_pack("{s:O}", "documents", documents));
	return json_pack("{s:s,s:o,s:s}", "sessionId", id, "documents", documents, "hostType",
			 text_of(arguments, "hostType"));
}

static json_t *on_attach_document(struct fax *fax, const json_t *arguments, char *problem)
{
	json_t *session = session_of(fax, arguments, problem), *documents, *url;
	size_t i;

	if (!session)
		return NULL;
	documents = json_object_get(session, "documents");
	if (*text_of(arguments, "documentId"))
		document_add(fax, documents, text_of(arguments, "documentId"));
	json_array_foreach (json_object_get(arguments, "fileUrls"), i, url)
		if (json_is_string(url))
			document_add(fax, documents, json_string_value(url));
	return json_pack("{s:s,s:O}", "sessionId", text_of(arguments, "sessionId"), "documents",
			 documents);
}

static json_t *on_get_quote(struct fax *fax, const json_t *arguments, char *problem)
{
	const json_t *session = session_of(fax, arguments, problem);
	json_t *document, *intent;
	int pages = 0;
	char id[32];
	size_t i;

	if (!session)
		return NULL;
	json_array_foreach (json_object_get(session, "documents"), i, document)
		pages += (int)json_integer_value(json_object_get(document, "pages"));
	json_array_foreach (json_object_get(arguments, "fileUrls"), i, document)
		pages += json_is_string(document) ? pages_of(json_string_value(document)) : 0;
	if (!pages) {
		snprintf(problem, FAX_PROBLEM_MAX, "the session has no document yet");
		return NULL;
	}
	id_new(fax, "int", id, sizeof(id));
	intent = json_pack("{s:s,s:s,s:s,s:i,s:i,s:s,s:s}", "sendIntentId", id, "sessionId",
			   text_of(arguments, "sessionId"), "faxNumber",
			   text_of(arguments, "faxNumber"), "pages", pages, "amountCents",
			   cents_of(pages), "currency", "USD", "state", "quoted");
	map_add(fax->intents, id, json_deep_copy(intent));
	return intent;
}

static json_t *on_checkout(struct fax *fax, const json_t *arguments, char *problem)
{
	json_t *intent = intent_of(fax, arguments, problem);
	bool sends = json_is_true(json_object_get(arguments, "autoSendAfterAuthorization"));

	if (!intent)
		return NULL;
	if (!strcmp(state_of(intent), "quoted"))
		return state_set(intent, sends ? "sending" : "authorized");
	snprintf(problem, FAX_PROBLEM_MAX, "nothing to pay: the fax is %s", state_of(intent));
	return NULL;
}

static json_t *on_send_fax(struct fax *fax, const json_t *arguments, char *problem)
{
	json_t *intent = intent_of(fax, arguments, problem);

	if (!intent)
		return NULL;
	if (!strcmp(state_of(intent), "authorized"))
		return state_set(intent, "sending");
	snprintf(problem, FAX_PROBLEM_MAX, "not authorised: the fax is %s; call checkout first",
		 state_of(intent));
	return NULL;
}

static json_t *on_cancel(struct fax *fax, const json_t *arguments, char *problem)
{
	json_t *intent = intent_of(fax, arguments, problem);

	if (!intent)
		return NULL;
	if (strcmp(state_of(intent), "delivered") != 0)
		return state_set(intent, "cancelled");
	snprintf(problem, FAX_PROBLEM_MAX, "too late: the fax is delivered");
	return NULL;
}

static json_t *on_retry_failed_fax(struct fax *fax, const json_t *arguments, char *problem)
{
	json_t *intent = intent_of(fax, arguments, problem);

	if (!intent)
		return NULL;
	if (strcmp(state_of(intent), "failed") != 0) {
		snprintf(problem, FAX_PROBLEM_MAX, "the fax did not fail: it is %s",
			 state_of(intent));
		return NULL;
	}
	if (*text_of(arguments, "faxNumber"))
		json_object_set(intent, "faxNumber", json_object_get(arguments, "faxNumber"));
	json_object_set_new(intent, "retried", json_true());
	return state_set(intent, "sending");
}

static json_t *on_get_status(struct fax *fax, const json_t *arguments, char *problem)
{
	json_t *intent = intent_of(fax, arguments, problem);
	const char *number;
	size_t n;

	if (!intent || strcmp(state_of(intent), "sending") != 0)
		return intent ? json_deep_copy(intent) : NULL;
	number = text_of(intent, "faxNumber");
	n = strlen(number);
	if (n >= 2 && !strcmp(number + n - 2, "99") && !json_object_get(intent, "retried"))
		return state_set(intent, "failed");
	return state_set(intent, "delivered");
}

static const struct tool {
	const char *name;
	json_t *(*run)(struct fax *fax, const json_t *arguments, char *problem);
} tools[] = {
	{"start_session", on_start_session},
	{"attach_document", on_attach_document},
	{"get_quote", on_get_quote},
	{"checkout", on_checkout},
	{"send_fax", on_send_fax},
	{"cancel", on_cancel},
	{"retry_failed_fax", on_retry_failed_fax},
	{"get_status", on_get_status},
};

static const struct tool *tool_find(const char *name)
{
	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++)
		if (!strcmp(tools[i].name, name))
			return &tools[i];
	return NULL;
}

int fax_has_tool(const char *name)
{
	return tool_find(name) != NULL;
}

json_t *fax_call(struct fax *fax, const char *tool, const json_t *arguments, char *ret_problem)
{
	json_t *result = tool_find(tool)->run(fax, arguments, ret_problem);

	if (!result && !ret_problem[0])
		snprintf(ret_problem, FAX_PROBLEM_MAX, "the service failed");
	return result;
}
