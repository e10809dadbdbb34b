/* SPDX-License-Identifier: Apache-2.0 */
/**
 * commands/doctor.h - `mcpjail doctor`: what works here, and what mends the rest
 */
#ifndef MCPJAIL_COMMANDS_DOCTOR_H
#define MCPJAIL_COMMANDS_DOCTOR_H

/**
 * command_doctor() - Make a jail of each tier to see which can be made, and find out why not
 * @argv: argv[0] is "doctor"; NULL-terminated
 *
 * With --tls the runtimes found in $PATH also fetch a page, each inside a jail, from a server
 * of the doctor's own at 127.0.0.1. Whatever is made is gone at the end, the state directory
 * aside, which every run needs.
 *
 * With --apparmor only AppArmor's profile for this program is printed.
 *
 * Return: exit status: 0 a jail can be made (and with --tls, every runtime found trusts it);
 * 1 not; 2 wrong usage
 */
int command_doctor(int argc, char **argv);

#endif
