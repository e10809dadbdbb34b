// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

void error_set(struct error *err, const char *where, const char *mend, const char *what, ...)
{
	va_list ap;

	if (!err)
		return;
	snprintf(err->where, sizeof(err->where), "%s", where ? where : "");
	snprintf(err->mend, sizeof(err->mend), "%s", mend ? mend : "");
	va_start(ap, what);
	vsnprintf(err->what, sizeof(err->what), what, ap);
	va_end(ap);
}

void error_format(const struct error *err, char *ret_line, unsigned long size)
{
	snprintf(ret_line, size, "%s%s%s%s%s", err->where, err->where[0] ? ": " : "", err->what,
		 err->mend[0] ? "; " : "", err->mend);
}
