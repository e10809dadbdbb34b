#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# policy.schema.json against an off-the-shelf validator: it accepts what mcpjail loads, and refuses
# what mcpjail refuses wherever a schema can tell.
. "$(dirname "$0")/../lib.sh"

python3 - "$ROOT" >"$TMP/out" <<'PYTHON'
import glob, json, re, sys
import jsonschema
root = sys.argv[1]
with open(root + '/policy/policy.schema.json') as f:
    schema = json.load(f)
jsonschema.Draft202012Validator.check_schema(schema)
print('ok the schema is one')
validator = jsonschema.Draft202012Validator(schema)

def wrong(policy):
    return next((e.message[:200] for e in validator.iter_errors(policy)), None)

sound = [(p, open(p).read()) for p in [root + '/policy/promptfax.json', root + '/tests/unit/policy_worked.json']]
manual = open(root + '/docs/man/mcpjail-policy.5').read().replace('\\e', '\\')
sound += [(f'example {i} of mcpjail-policy(5)', t) for i, t in enumerate(re.findall(r'\.Bd -literal.*?\n(.*?)\.Ed', manual, re.S))]
refused = []
with open(root + '/tests/unit/policy_decisions.txt') as f:
    for n, line in enumerate(f, 1):
        if line.startswith('policy '):
            sound.append((f'line {n}', line[7:]))
        elif line.startswith('refused '):
            head, text = line[8:].split(' | ', 1)
            refused.append((n, head, text))
bad = [(name, wrong(json.loads(text))) for name, text in sound]
for name, why in bad:
    if why:
        print(f'# {name}: {why}')
print('ok' if not any(why for _, why in bad) else 'not ok', f'it accepts {len(sound)} policies that load')

# What only a look at names, patterns, numbers or several keys at once finds out.
beyond = ('no regular expression', 'at byte', 'closes nothing', 'back references', 'possessive', 'a verb',
          'groups that begin', 'a public suffix', 'would change', 'leads to no schema', 'without end', 'or more than 32',
          'the policy has no', 'is no time in UTC', 'requires an approval', 'no `bind` of this rule', 'of groups', 'does not close')
missed = [(n, head) for n, head, text in refused
          if not any(b in head for b in beyond) and wrong(json.loads(text)) is None]
for n, head in missed:
    print(f'# line {n} is accepted: {head}')
print('ok' if not missed else 'not ok', f'it refuses what does not load, of {len(refused)} policies')
print('ok' if sum(wrong(json.loads(t)) is not None for _, _, t in refused) >= 50 else 'not ok', 'and that is most')
PYTHON
is $? 0 "the validator ran"
while read -r line; do
	case $line in
	"ok "*) ok 0 "${line#ok }" ;;
	"not ok "*) ok 1 "${line#not ok }" ;;
	*) echo "$line" ;;
	esac
done <"$TMP/out"
is "$(grep -cE '^(not )?ok ' "$TMP/out")" 4 "all was looked at"
