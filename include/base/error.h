/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/error.h - errors that a person will read
 *
 * Functions return 0 or -errno; those whose failure a person has to act on fill
 * a struct error as well. All strings are NUL-terminated and cut when too long.
 */
#ifndef MCPJAIL_BASE_ERROR_H
#define MCPJAIL_BASE_ERROR_H

#define ERROR_LINE_BYTES 1300 /* hold every error as error_format() writes it */

struct error {
	char where[256]; /* file, option, syscall or stage: "policy.json:3:14 /tools/x" */
	char what[512];  /* what is wrong, in words */
	char mend[512];  /* what would be right, or the command that helps; may be empty */
};

/**
 * error_set() - Fill an error
 * @err:   May be NULL, then nothing happens
 * @where: Not retained; may be NULL
 * @mend:  Not retained; may be NULL
 * @what:  printf format of the sentence that says what is wrong
 */
void error_set(struct error *err, const char *where, const char *mend, const char *what, ...)
	__attribute__((format(printf, 4, 5)));

/**
 * error_format() - One line of text: "where: what; mend"
 * @size: At least 2; ERROR_LINE_BYTES holds every error
 */
void error_format(const struct error *err, char *ret_line, unsigned long size);

#endif
