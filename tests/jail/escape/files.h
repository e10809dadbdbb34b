/* SPDX-License-Identifier: Apache-2.0 */
/* What the probes of files share. */
#ifndef MCPJAIL_TESTS_FILES_H
#define MCPJAIL_TESTS_FILES_H

#define TEMPORARY "temporary"

#define UNCHANGED "EROFS EACCES EPERM EBUSY EXDEV"
/* In the place of what does not exist may be something that cannot be changed. */
#define KEPT      UNCHANGED " EEXIST ENOENT"
#define UNSEEN    "ENOENT EACCES EPERM EMPTY"
/* What tier B does not promise, and why. */
#define MODES     "!Landlock knows no modes, owners, times and attributes"
#define LATER     "!only mounts keep what lies in a directory that may be written"
#define NAMES     "!names can be listed everywhere; what they name cannot be read"
#define CRON      "mcpjail-escape.test" /* with a dot cron takes no notice of it */

/** make_temporary() - An empty file TEMPORARY in the working directory */
void make_temporary(void);

#endif
