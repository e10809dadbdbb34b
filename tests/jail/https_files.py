# SPDX-License-Identifier: Apache-2.0
"""https_files.py CERT KEY DIRECTORY: serves its files by HTTPS at 127.0.0.1; prints "port N"."""
import functools
import http.server
import ssl
import sys


class Files(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"


cert, key, directory = sys.argv[1:]
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=directory))
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
print("port", server.server_address[1], flush=True)
server.serve_forever()
