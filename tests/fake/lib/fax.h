/* SPDX-License-Identifier: Apache-2.0 */
/**
 * fake/lib/fax.h - what PromptFax does, without a telephone line: sessions,
 * documents, quotes, payments and faxes in memory
 *
 * Prices: $2.00 for up to 5 pages, $0.10 for each further page, at most $4.50. A
 * document's pages come from its name ("contract-12p.pdf" has 12; others have 3). A
 * number that ends in 99 fails once. The session "ses_demo" with the delivered fax
 * "int_demo" is always there, for clients that want one call and no story.
 */
#ifndef MCPJAIL_TESTS_FAKE_FAX_H
#define MCPJAIL_TESTS_FAKE_FAX_H

#include <jansson.h>
#include <stddef.h>

#define FAX_SESSIONS_MAX 4096 /* beyond it the oldest is forgotten */
#define FAX_PROBLEM_MAX  256

struct fax;

struct fax *fax_new(void);
void fax_free(struct fax *fax);

/** fax_tools() - The tool definitions of tools/list, borrowed */
const json_t *fax_tools(const struct fax *fax);

/** fax_has_tool() - Whether there is a tool of that name */
int fax_has_tool(const char *name);

/**
 * fax_call() - Carry out a tool
 * @arguments:   An object, or NULL
 * @ret_problem: Holds FAX_PROBLEM_MAX bytes; what went wrong, for the model
 *
 * Return: the structured result, owned by the caller; NULL with a problem
 */
json_t *fax_call(struct fax *fax, const char *tool, const json_t *arguments, char *ret_problem);

#endif
