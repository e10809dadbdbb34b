#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# certs.sh DIR [NAME…]: a CA and a certificate for promptfax.app, localhost and NAMEs, by the
# openssl command: DIR/ca.pem, DIR/cert.pem, DIR/key.pem.
set -eu
cd "$1"
shift

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -sha256 \
	-subj '/CN=PromptFax test CA' -keyout ca.key -out ca.pem \
	-addext 'basicConstraints=critical,CA:TRUE' \
	-addext 'keyUsage=critical,keyCertSign,cRLSign' 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 \
	-subj '/CN=promptfax.app' -keyout key.pem -out cert.csr 2>/dev/null
cat >cert.ext <<EXT
subjectAltName=DNS:promptfax.app,DNS:localhost,IP:127.0.0.1$([ $# = 0 ] || printf ',DNS:%s' "$@")
extendedKeyUsage=serverAuth
keyUsage=critical,digitalSignature
basicConstraints=critical,CA:FALSE
EXT
openssl x509 -req -in cert.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -sha256 \
	-extfile cert.ext -out cert.pem 2>/dev/null
rm -f cert.csr cert.ext ca.srl ca.key
