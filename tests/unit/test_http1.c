// SPDX-License-Identifier: Apache-2.0
/* Longer than most: tables of requests and answers, side by side. */
/*
 * Heads, end to end: each case is bytes and the one outcome they must have, however
 * they arrive. The outcome of a request is the status it is refused with, or a line
 * that says how it was understood. Long, because the tables are.
 */
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "cmocka_all.h"
#include "guard.h"
#include "proxy/http1.h"

#define BODY_MAX 1000u
#define MORE     1u /* in a case's status: the message is not complete */

struct test_case {
	const char *name;
	const char *bytes;
	size_t n;
	unsigned int status; /* 0: understood */
	const char *reading;
};

#define CASE(name, bytes, status, reading)                                                         \
	{                                                                                          \
		(name), (bytes), sizeof(bytes) - 1, (status), (reading)                            \
	}
#define GOOD(name, bytes, reading) CASE(name, bytes, 0, reading)
#define BAD(name, bytes)           CASE(name, bytes, 400, NULL)

#define GET     "GET /mcp HTTP/1.1\r\nHost: promptfax.app\r\n"
#define POST    "POST /mcp HTTP/1.1\r\nHost: promptfax.app\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define HOST(h) "GET / HTTP/1.1\r\nHost: " h "\r\n\r\n"
#define PATH(p) "GET " p " HTTP/1.1\r\nHost: h.example\r\n\r\n"
#define A63     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct test_case requests[] = {
	/* what must work */
	GOOD("plain GET", GET "\r\n", "GET promptfax.app:443 /mcp none '' keep"),
	GOOD("length", POST "Content-Length: 2\r\n\r\n{}",
	     "POST promptfax.app:443 /mcp length '{}' keep"),
	GOOD("length zero", POST "Content-Length: 0\r\n\r\n",
	     "POST promptfax.app:443 /mcp length '' keep"),
	GOOD("chunked", CHUNKED "2\r\n{}\r\n0\r\n\r\n",
	     "POST promptfax.app:443 /mcp chunked '{}' keep"),
	GOOD("chunks", CHUNKED "1\r\n{\r\nA\r\n0123456789\r\n01\r\n}\r\n000\r\n\r\n",
	     "POST promptfax.app:443 /mcp chunked '{0123456789}' keep"),
	GOOD("chunked, nothing in it", CHUNKED "0\r\n\r\n",
	     "POST promptfax.app:443 /mcp chunked '' keep"),
	GOOD("names in any case",
	     "POST /mcp HTTP/1.1\r\nhOST: promptfax.app\r\n"
	     "transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
	     "POST promptfax.app:443 /mcp chunked '' keep"),
	GOOD("HTTP/1.0", "GET /mcp HTTP/1.0\r\nHost: promptfax.app\r\n\r\n",
	     "GET promptfax.app:443 /mcp none ''"),
	GOOD("HTTP/1.0 keep-alive is not kept",
	     "GET /mcp HTTP/1.0\r\nHost: promptfax.app\r\nConnection: keep-alive\r\n\r\n",
	     "GET promptfax.app:443 /mcp none ''"),
	GOOD("HTTP/1.0 ignores Expect",
	     "GET /mcp HTTP/1.0\r\nHost: promptfax.app\r\nExpect: 100-continue\r\n\r\n",
	     "GET promptfax.app:443 /mcp none ''"),
	GOOD("absolute form",
	     "GET http://promptfax.app/mcp HTTP/1.1\r\nHost: promptfax.app\r\n\r\n",
	     "GET promptfax.app:80 /mcp none '' keep"),
	GOOD("absolute form, case and default port",
	     "GET HTTPS://PromptFax.app:443/mcp HTTP/1.1\r\nHost: promptfax.app.\r\n\r\n",
	     "GET promptfax.app:443 /mcp none '' keep"),
	GOOD("absolute form without path",
	     "GET http://h.example HTTP/1.1\r\nHost: h.example\r\n\r\n",
	     "GET h.example:80 / none '' keep"),
	GOOD("absolute form, query only",
	     "GET http://h.example?a=b HTTP/1.1\r\nHost: h.example:80\r\n\r\n",
	     "GET h.example:80 /?a=b none '' keep"),
	GOOD("absolute form, HTTP/1.0 without Host", "GET http://h.example/ HTTP/1.0\r\n\r\n",
	     "GET h.example:80 / none ''"),
	GOOD("CONNECT", "CONNECT h.example:443 HTTP/1.1\r\nHost: h.example:443\r\n\r\n",
	     "CONNECT h.example:443  none '' keep"),
	GOOD("CONNECT, Host without port",
	     "CONNECT h.example:8443 HTTP/1.1\r\nHost: h.example\r\n\r\n",
	     "CONNECT h.example:8443  none '' keep"),
	GOOD("CONNECT, IPv6",
	     "CONNECT [2001:DB8::1]:443 HTTP/1.1\r\nHost: [2001:db8:0::1]:443\r\n\r\n",
	     "CONNECT 2001:db8::1:443  none '' keep"),
	GOOD("CONNECT, empty length",
	     "CONNECT h.example:443 HTTP/1.1\r\nHost: h.example:443\r\nContent-Length: 0\r\n\r\n",
	     "CONNECT h.example:443  length '' keep"),
	GOOD("OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: h.example\r\n\r\n",
	     "OPTIONS h.example:443  none '' keep"),
	GOOD("Expect: 100-continue", POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx",
	     "POST promptfax.app:443 /mcp length 'x' keep expect"),
	GOOD("Upgrade is seen",
	     GET "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
		 "HTTP2-Settings: AAMAAABk\r\n\r\n",
	     "GET promptfax.app:443 /mcp none '' keep upgrade"),
	GOOD("pipelining", POST "Content-Length: 2\r\n\r\n{}" GET "\r\n",
	     "POST promptfax.app:443 /mcp length '{}' keep rest=42"),
	GOOD("one empty line in front", "\r\n" GET "\r\n",
	     "GET promptfax.app:443 /mcp none '' keep"),
	GOOD("Connection: close", GET "Connection: keep-alive, Close\r\n\r\n",
	     "GET promptfax.app:443 /mcp none ''"),
	GOOD("Connection of elements", GET "Connection: , TE,\tX-Private ,\r\nTE: trailers\r\n\r\n",
	     "GET promptfax.app:443 /mcp none '' keep"),
	GOOD("no value", GET "X-Empty:\r\nX-Blank: \t \r\n\r\n",
	     "GET promptfax.app:443 /mcp none '' keep"),
	GOOD("bytes past ASCII in a value", GET "User-Agent: caf\xc3\xa9\tx\r\n\r\n",
	     "GET promptfax.app:443 /mcp none '' keep"),
	GOOD("spaces around a length", POST "Content-Length:   1  \r\n\r\nx",
	     "POST promptfax.app:443 /mcp length 'x' keep"),
	GOOD("another method", "BREW /pot HTTP/1.1\r\nHost: h.example\r\n\r\n",
	     "BREW h.example:443 /pot none '' keep"),
	GOOD("method in lower case is another method", "get / HTTP/1.1\r\nHost: h.example\r\n\r\n",
	     "get h.example:443 / none '' keep"),
	GOOD("host: upper case, trailing dot, port", HOST("PromptFax.APP.:8443"),
	     "GET promptfax.app:8443 / none '' keep"),
	GOOD("host: IDN as A-label", HOST("XN--Bcher-KVA.example"),
	     "GET xn--bcher-kva.example:443 / none '' keep"),
	GOOD("host: IPv4", HOST("192.0.2.1"), "GET 192.0.2.1:443 / none '' keep"),
	GOOD("host: IPv6", HOST("[2001:0db8::0001]"), "GET 2001:db8::1:443 / none '' keep"),
	GOOD("host: underscore", HOST("a_b.example"), "GET a_b.example:443 / none '' keep"),
	GOOD("path: letters stay as they are", PATH("/MCP"), "GET h.example:443 /MCP none '' keep"),
	GOOD("path: trailing slash stays", PATH("/mcp/"), "GET h.example:443 /mcp/ none '' keep"),
	GOOD("path: unreserved is decoded", PATH("/%6dc%70%7E"),
	     "GET h.example:443 /mcp~ none '' keep"),
	GOOD("path: other escapes in upper case", PATH("/a%c3%a9%20b"),
	     "GET h.example:443 /a%C3%A9%20b none '' keep"),
	GOOD("path: dots within a segment", PATH("/..a/b.../.well-known"),
	     "GET h.example:443 /..a/b.../.well-known none '' keep"),
	GOOD("query: raw", PATH("/mcp?a=/../%2e{}|^//"),
	     "GET h.example:443 /mcp?a=/../%2e{}|^// none '' keep"),
	GOOD("query: empty", PATH("/mcp?"), "GET h.example:443 /mcp? none '' keep"),

	/* which bytes are the body */
	BAD("CL.TE", POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	BAD("TE.CL", POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
	BAD("TE.TE",
	    POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	BAD("TE.TE identity",
	    POST "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	BAD("TE: gzip, chunked", POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
	BAD("TE: chunked, gzip", POST "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
	BAD("TE: chunked, chunked", POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
	BAD("TE: chunked,", POST "Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n"),
	BAD("TE: identity", POST "Transfer-Encoding: identity\r\n\r\n"),
	BAD("TE: xchunked", POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
	BAD("TE: chunked;q=1", POST "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n"),
	BAD("TE: \"chunked\"", POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"),
	BAD("TE: Chunked", POST "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n"),
	BAD("TE: tab before", POST "Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n"),
	BAD("TE: tab after", POST "Transfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n"),
	BAD("TE: vertical tab", POST "Transfer-Encoding: \x0b"
				     "chunked\r\n\r\n0\r\n\r\n"),
	BAD("TE: nothing", POST "Transfer-Encoding:\r\n\r\n"),
	BAD("TE: folded", POST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
	BAD("TE: space before colon", POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
	BAD("TE: with underscore", POST "Transfer_Encoding: chunked\r\n\r\n0\r\n\r\n"),
	BAD("TE in HTTP/1.0", "POST / HTTP/1.0\r\nHost: h.example\r\n"
			      "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	BAD("CL twice", POST "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}"),
	BAD("CL twice, differing", POST "Content-Length: 2\r\nContent-Length: 0\r\n\r\n{}"),
	BAD("CL: 2, 2", POST "Content-Length: 2, 2\r\n\r\n{}"),
	BAD("CL: +2", POST "Content-Length: +2\r\n\r\n{}"),
	BAD("CL: -2", POST "Content-Length: -2\r\n\r\n{}"),
	BAD("CL: 0x2", POST "Content-Length: 0x2\r\n\r\n{}"),
	BAD("CL: 2 0", POST "Content-Length: 2 0\r\n\r\n{}"),
	BAD("CL: 02", POST "Content-Length: 02\r\n\r\n{}"),
	BAD("CL: 2e0", POST "Content-Length: 2e0\r\n\r\n{}"),
	BAD("CL: 2.0", POST "Content-Length: 2.0\r\n\r\n{}"),
	BAD("CL: nothing", POST "Content-Length: \r\n\r\n{}"),
	BAD("CL: past 64 bits", POST "Content-Length: 18446744073709551618\r\n\r\n{}"),
	BAD("CL: tab", POST "Content-Length:\t2\r\n\r\n{}"),
	BAD("CL: with underscore", POST "Content_Length: 2\r\n\r\n{}"),
	BAD("CL: space before colon", POST "Content-Length : 2\r\n\r\n{}"),
	BAD("CONNECT with length", "CONNECT h.example:443 HTTP/1.1\r\nHost: h.example:443\r\n"
				   "Content-Length: 2\r\n\r\n{}"),
	BAD("CONNECT chunked", "CONNECT h.example:443 HTTP/1.1\r\nHost: h.example:443\r\n"
			       "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	CASE("length past the bound", POST "Content-Length: 1001\r\n\r\n", 413, NULL),
	CASE("length, cut short", POST "Content-Length: 3\r\n\r\n{}", MORE, NULL),
	BAD("chunk extension", CHUNKED "2;a=b\r\n{}\r\n0\r\n\r\n"),
	BAD("chunk extension, empty", CHUNKED "2;\r\n{}\r\n0\r\n\r\n"),
	BAD("chunk extension on the last", CHUNKED "2\r\n{}\r\n0;x\r\n\r\n"),
	BAD("trailer", CHUNKED "2\r\n{}\r\n0\r\nX-Late: 1\r\n\r\n"),
	BAD("trailer, its first byte", CHUNKED "0\r\nX"),
	BAD("chunk size: without end", CHUNKED "00000000000000000"),
	BAD("chunk size: sixteen digits", CHUNKED "0000000000000002\r\n{}\r\n0\r\n\r\n"),
	BAD("chunk size: past 64 bits", CHUNKED "10000000000000002\r\n{}\r\n0\r\n\r\n"),
	CASE("chunk size past the bound", CHUNKED "fffffffffffffff\r\n", 413, NULL),
	CASE("chunks past the bound", CHUNKED "1\r\nx\r\n3E8\r\n", 413, NULL),
	BAD("chunk size: none", CHUNKED "\r\n{}\r\n0\r\n\r\n"),
	BAD("chunk size: -2", CHUNKED "-2\r\n{}\r\n0\r\n\r\n"),
	BAD("chunk size: 0x2", CHUNKED "0x2\r\n{}\r\n0\r\n\r\n"),
	BAD("chunk size: space behind", CHUNKED "2 \r\n{}\r\n0\r\n\r\n"),
	BAD("chunk size: space before", CHUNKED " 2\r\n{}\r\n0\r\n\r\n"),
	BAD("chunk size: bare LF", CHUNKED "2\n{}\r\n0\r\n\r\n"),
	BAD("chunk longer than its size", CHUNKED "1\r\n{}\r\n0\r\n\r\n"),
	BAD("chunk ended by LF", CHUNKED "2\r\n{}\n0\r\n\r\n"),
	BAD("body ended by LF", CHUNKED "0\r\n\n"),
	BAD("body ended by CR x", CHUNKED "0\r\n\rx"),
	CASE("chunked, cut short", CHUNKED "2\r\n{}\r\n0\r\n", MORE, NULL),

	/* which bytes are lines, names and values */
	BAD("bare LF behind a field", "GET / HTTP/1.1\r\nHost: h.example\n\r\n"),
	BAD("bare LF behind the request line", "GET / HTTP/1.1\nHost: h.example\r\n\r\n"),
	BAD("bare LF at the end", "GET / HTTP/1.1\r\nHost: h.example\r\n\n"),
	BAD("bare CR in a value", GET "X: a\rContent-Length: 5\r\n\r\n"),
	BAD("CR CR LF", GET "X: a\r\r\n\r\n"),
	BAD("NUL in a value", GET "X: a\0b\r\n\r\n"),
	BAD("NUL in a name", GET "X\0Y: a\r\n\r\n"),
	BAD("control in a value", GET "X: aaaaaaaaa\x01"
				      "b\r\n\r\n"),
	BAD("DEL in a value", GET "X: \x7f\r\n\r\n"),
	BAD("space before colon", GET "X : a\r\n\r\n"),
	BAD("tab before colon", GET "X\t: a\r\n\r\n"),
	BAD("no colon", GET "X\r\n\r\n"),
	BAD("no name", GET ": a\r\n\r\n"),
	BAD("obs-fold", GET "X: a\r\n b\r\n\r\n"),
	BAD("obs-fold with a tab", GET "X: a\r\n\tb\r\n\r\n"),
	BAD("space before the first field", "GET / HTTP/1.1\r\n Host: h.example\r\n\r\n"),
	BAD("line of blanks", GET " \r\n\r\n"),
	BAD("name past ASCII", GET "X\xc3\xa9: a\r\n\r\n"),
	BAD("name with a slash", GET "X/Y: a\r\n\r\n"),
	BAD("two empty lines in front", "\r\n\r\n" GET "\r\n"),
	BAD("empty line ended by LF in front", "\n" GET "\r\n"),

	/* the request line */
	BAD("HTTP/0.9", "GET /\r\n"),
	BAD("no version", "GET / \r\nHost: h.example\r\n\r\n"),
	BAD("version in lower case", "GET / http/1.1\r\nHost: h.example\r\n\r\n"),
	BAD("space behind the version", "GET / HTTP/1.1 \r\nHost: h.example\r\n\r\n"),
	BAD("version with three digits", "GET / HTTP/1.10\r\nHost: h.example\r\n\r\n"),
	CASE("HTTP/1.2", "GET / HTTP/1.2\r\nHost: h.example\r\n\r\n", 505, NULL),
	CASE("HTTP/2.0", "GET / HTTP/2.0\r\nHost: h.example\r\n\r\n", 505, NULL),
	CASE("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, NULL),
	BAD("a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n"),
	BAD("a status line", "HTTP/1.1 200 OK\r\n\r\n"),
	BAD("two spaces", "GET  / HTTP/1.1\r\nHost: h.example\r\n\r\n"),
	BAD("tab for a space", "GET\t/ HTTP/1.1\r\nHost: h.example\r\n\r\n"),
	BAD("space in the target", "GET /a b HTTP/1.1\r\nHost: h.example\r\n\r\n"),
	BAD("no target", "GET  HTTP/1.1\r\nHost: h.example\r\n\r\n"),
	BAD("no method", " / HTTP/1.1\r\nHost: h.example\r\n\r\n"),
	BAD("method that is no token", "G(T / HTTP/1.1\r\nHost: h.example\r\n\r\n"),
	BAD("NUL in the target", "GET /\0 HTTP/1.1\r\nHost: h.example\r\n\r\n"),
	BAD("target past ASCII", PATH("/\xc3\xa9")),
	BAD("target with a fragment", PATH("/mcp#x")),
	BAD("target of another scheme", PATH("ftp://h.example/")),
	BAD("target without scheme", PATH("h.example/mcp")),
	BAD("target of authority form without CONNECT", PATH("h.example:443")),
	BAD("target without a host", PATH("http:///mcp")),
	BAD("GET *", PATH("*")),
	BAD("CONNECT to a path", "CONNECT /mcp HTTP/1.1\r\nHost: h.example\r\n\r\n"),
	BAD("CONNECT without port", "CONNECT h.example HTTP/1.1\r\nHost: h.example\r\n\r\n"),
	BAD("CONNECT to a URL",
	    "CONNECT https://h.example:443 HTTP/1.1\r\nHost: h.example:443\r\n\r\n"),

	/* whom it is for */
	CASE("absolute form against Host",
	     "GET http://h.example/ HTTP/1.1\r\nHost: other.example\r\n\r\n", 421, NULL),
	CASE("absolute form against Host's port",
	     "GET http://h.example/ HTTP/1.1\r\nHost: h.example:8080\r\n\r\n", 421, NULL),
	CASE("absolute form, address against name",
	     "GET http://192.0.2.1/ HTTP/1.1\r\nHost: h.example\r\n\r\n", 421, NULL),
	CASE("CONNECT against Host",
	     "CONNECT h.example:443 HTTP/1.1\r\nHost: other.example:443\r\n\r\n", 421, NULL),
	CASE("CONNECT against Host's port",
	     "CONNECT h.example:443 HTTP/1.1\r\nHost: h.example:80\r\n\r\n", 421, NULL),
	BAD("absolute form with userinfo",
	    "GET http://h.example@other.example/ HTTP/1.1\r\nHost: other.example\r\n\r\n"),
	BAD("no Host", "GET / HTTP/1.1\r\n\r\n"),
	BAD("no Host in HTTP/1.0", "GET / HTTP/1.0\r\n\r\n"),
	BAD("absolute form without Host", "GET http://h.example/ HTTP/1.1\r\n\r\n"),
	BAD("two Hosts", GET "Host: promptfax.app\r\n\r\n"),
	BAD("two Hosts, differing", GET "Host: other.example\r\n\r\n"),
	BAD("Host with a tab", "GET / HTTP/1.1\r\nHost:\th.example\r\n\r\n"),
	BAD("host: nothing", HOST("")),
	BAD("host: dot", HOST(".")),
	BAD("host: NUL", HOST("promptfax.app\0.evil.example")),
	BAD("host: userinfo", HOST("promptfax.app@evil.example")),
	BAD("host: two", HOST("promptfax.app, evil.example")),
	BAD("host: two with a space", HOST("promptfax.app evil.example")),
	BAD("host: past ASCII", HOST("b\xc3\xbc"
				     "cher.example")),
	BAD("host: path", HOST("promptfax.app/x")),
	BAD("host: escape", HOST("promptfax%2eapp")),
	BAD("host: 0x7f.1", HOST("0x7f.1")),
	BAD("host: 0x7f000001", HOST("0x7F000001")),
	BAD("host: 2130706433", HOST("2130706433")),
	BAD("host: 127.1", HOST("127.1")),
	BAD("host: 0177.0.0.1", HOST("0177.0.0.1")),
	BAD("host: 192.0.2.256", HOST("192.0.2.256")),
	BAD("host: five numbers", HOST("1.2.3.4.5")),
	BAD("host: ends in a number", HOST("a.example.1")),
	BAD("host: ends in 0x", HOST("a.example.0x")),
	BAD("host: two trailing dots", HOST("h.example..")),
	BAD("host: leading dot", HOST(".h.example")),
	BAD("host: empty label", HOST("h..example")),
	BAD("host: leading hyphen", HOST("-h.example")),
	BAD("host: trailing hyphen", HOST("h-.example")),
	BAD("host: label of 64", HOST(A63 "a.example")),
	BAD("host: 255 bytes", HOST(A63 "." A63 "." A63 "." A63)),
	BAD("host: port 0", HOST("h.example:0")),
	BAD("host: port 65536", HOST("h.example:65536")),
	BAD("host: port empty", HOST("h.example:")),
	BAD("host: port +80", HOST("h.example:+80")),
	BAD("host: port 080", HOST("h.example:080")),
	BAD("host: port 80x", HOST("h.example:80x")),
	BAD("host: IPv6 without brackets", HOST("2001:db8::1")),
	BAD("host: IPv6 with a zone", HOST("[fe80::1%25lo]")),
	BAD("host: IPv6 unclosed", HOST("[2001:db8::1")),
	BAD("host: IPv6 and more", HOST("[2001:db8::1]x")),
	BAD("host: a name in brackets", HOST("[h.example]")),
	BAD("host: IPv6 with NUL", HOST("[::1\0]")),

	/* paths */
	BAD("path: ..", PATH("/a/../b")),
	BAD("path: .. at the end", PATH("/mcp/..")),
	BAD("path: .", PATH("/./mcp")),
	BAD("path: %2e", PATH("/%2e%2e/mcp")),
	BAD("path: %2E in a name", PATH("/mcp%2Ejson")),
	BAD("path: //", PATH("//mcp")),
	BAD("path: // within", PATH("/a//b")),
	BAD("path: // at the end", PATH("/mcp//")),
	BAD("path: backslash", PATH("/a\\..\\b")),
	BAD("path: %5c", PATH("/a%5c..%5cb")),
	BAD("path: %2f", PATH("/a%2fb")),
	BAD("path: %252e", PATH("/%252e%252e/")),
	BAD("path: %00", PATH("/mcp%00")),
	BAD("path: %7f", PATH("/mcp%7F")),
	BAD("path: half an escape", PATH("/mcp%2")),
	BAD("path: no escape", PATH("/mcp%zz")),

	/* fields that act on others */
	BAD("Connection: Content-Length",
	    POST "Connection: Content-Length\r\nContent-Length: 2\r\n\r\n{}"),
	BAD("Connection: transfer-encoding", POST "Connection: close, transfer-encoding\r\n\r\n"),
	BAD("Connection: Host", GET "Connection: Host\r\n\r\n"),
	BAD("Connection: Mcp-Method",
	    GET "Connection: keep-alive\r\nConnection: Mcp-Method\r\n\r\n"),
	BAD("Connection: Authorization", GET "Connection: authorization\r\n\r\n"),
	BAD("Connection: no token", GET "Connection: a b\r\n\r\n"),
	CASE("Expect: something", POST "Expect: 200-ok\r\n\r\n", 417, NULL),
	BAD("Expect twice", POST "Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n"),
	BAD("Content-Type twice", POST "Content-Type: a/b\r\ncontent-type: a/b\r\n\r\n"),
	BAD("Mcp-Method twice", POST "Mcp-Method: ping\r\nMcp-Method: tools/call\r\n\r\n"),
	BAD("Mcp-Session-Id twice", POST "Mcp-Session-Id: 1\r\nMcp-Session-Id: 2\r\n\r\n"),
	BAD("Authorization twice", GET "Authorization: a\r\nAuthorization: b\r\n\r\n"),
	BAD("mcp_name", POST "mcp_name: send_fax\r\n\r\n"),

	/* not yet a head */
	CASE("nothing", "", MORE, NULL),
	CASE("half a request line", "GET / HT", MORE, NULL),
	CASE("no empty line", GET, MORE, NULL),
	CASE("CR without LF", GET "\r", MORE, NULL),
};

struct reader {
	struct guard guard;
	struct buf in;
	const char *bytes;
	size_t n, at, step;
};

static bool reader_feed(struct reader *r)
{
	size_t n = r->n - r->at < r->step ? r->n - r->at : r->step;

	guard_feed(&r->guard, &r->in, r->bytes + r->at, n);
	r->at += n;
	return n > 0;
}

static unsigned int read_body(struct reader *r, const struct http1_head *h, char *ret_body,
			      struct http1_refusal *refusal)
{
	struct http1_body body;
	size_t used = 0, n = 0;

	if (http1_body_begin(&body, h, BODY_MAX, refusal))
		return refusal->status;
	for (;;) {
		switch (http1_body_next(&body, &r->in, &n, refusal)) {
		case HTTP1_BODY_BAD:
			return refusal->status;
		case HTTP1_BODY_MORE:
			if (!reader_feed(r))
				return http1_body_close(&body) ? MORE : 0;
			break;
		case HTTP1_BODY_DATA:
			assert_true(n >= 1 && n <= r->in.len);
			memcpy(ret_body + used, r->in.data, n);
			used += n;
			ret_body[used] = '\0';
			http1_body_take(&body, &r->in, n);
			break;
		case HTTP1_BODY_END:
			assert_int_equal(body.taken, used);
			assert_int_equal(http1_body_next(&body, &r->in, &n, refusal),
					 HTTP1_BODY_END);
			return 0;
		}
	}
}

static const char *framing_name(enum http1_framing framing)
{
	static const char *const names[] = {"none", "length", "chunked", "close"};

	return names[framing];
}

static unsigned int read_request(struct reader *r, char *ret_reading, size_t size)
{
	static struct http1_head h;
	struct http1_refusal refusal = {0, NULL};
	struct http1_authority a;
	char path[HTTP1_PATH_MAX + 1], body[BODY_MAX + 1] = "";
	unsigned int status = 0;
	ssize_t n;

	while ((n = http1_read_request(&h, &r->in, &refusal)) == PARSE_MORE)
		if (!reader_feed(r)) {
			http1_head_reset(&h);
			return MORE;
		}
	if (n == PARSE_BAD) {
		assert_int_equal(h.n_fields, 0);
		assert_non_null(refusal.text);
		return refusal.status;
	}
	assert_true(n > 0);
	if (http1_request_authority(&h, 443, &a, &refusal) ||
	    http1_request_path(&h, path, &refusal))
		status = refusal.status;
	else
		status = read_body(r, &h, body, &refusal);
	if (!status)
		snprintf(ret_reading, size, "%.*s %s:%u %s%s%.*s %s '%s'%s%s%s",
			 (int)h.method_text.n, http1_head_span(&h, h.method_text).p, a.host, a.port,
			 path, h.has_query ? "?" : "", (int)h.query.n,
			 h.query.n ? http1_head_span(&h, h.query).p : "", framing_name(h.framing),
			 body, h.keep_alive ? " keep" : "",
			 http1_head_has(&h, HTTP1_F_UPGRADE) ? " upgrade" : "",
			 h.expects_continue ? " expect" : "");
	/* A pipelined message may have come with this one, or not yet. */
	if (!status && r->in.len + (r->n - r->at))
		snprintf(ret_reading + strlen(ret_reading), size - strlen(ret_reading), " rest=%zu",
			 r->in.len + (r->n - r->at));
	http1_head_free(&h);
	return status;
}

static void check_request(const struct test_case *c, size_t step)
{
	struct reader r = {.guard = guard_new(), .bytes = c->bytes, .n = c->n, .step = step};
	char reading[8192] = "";
	unsigned int status = read_request(&r, reading, sizeof(reading));

	if (status != c->status)
		fail_msg("%s (step %zu): status %u, expected %u %s", c->name, step, status,
			 c->status, reading);
	if (!status && strcmp(reading, c->reading) != 0)
		fail_msg("%s (step %zu): %s, expected %s", c->name, step, reading, c->reading);
	guard_free(&r.guard);
}

static void test_requests_have_one_reading(void **state)
{
	(void)state;
	assert_true(ARRAY_SIZE(requests) >= 80);
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		check_request(&requests[i], requests[i].n + 1);
}

static void test_requests_read_the_same_byte_by_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		for (size_t step = 1; step <= 9; step += 4)
			check_request(&requests[i], step);
}

/* A head of exactly @bytes: the request line, fields of some length, a filler, the end. */
static size_t make_head(char *out, size_t bytes, size_t n_fields)
{
	size_t n = (size_t)sprintf(out, "GET / HTTP/1.1\r\nHost: h.example\r\n");

	for (size_t i = 2; i < n_fields; i++)
		n += (size_t)sprintf(out + n, "X-%zu: y\r\n", i);
	n += (size_t)sprintf(out + n, "X-Fill: ");
	while (n < bytes - 4)
		out[n++] = 'f';
	memcpy(out + n, "\r\n\r\n", 4);
	return n + 4;
}

static void test_head_bounds_are_exact(void **state)
{
	static const struct {
		size_t bytes, fields;
		unsigned int status;
	} cases[] = {
		{HTTP1_HEAD_MAX, 3, 0},
		{HTTP1_HEAD_MAX + 1, 3, 431},
		{HTTP1_HEAD_MAX * 2, 3, 431},
		{4096, HTTP1_FIELDS_MAX, 0},
		{4096, HTTP1_FIELDS_MAX + 1, 431},
	};
	static char text[HTTP1_HEAD_MAX * 2 + 16];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct test_case c = {"bounds", text, 0, cases[i].status,
				      "GET h.example:443 / none '' keep"};

		c.n = make_head(text, cases[i].bytes, cases[i].fields);
		assert_int_equal(c.n, cases[i].bytes);
		check_request(&c, c.n);
		check_request(&c, 1);
	}
}

static void test_head_refuses_an_endless_line(void **state)
{
	static char text[HTTP1_HEAD_MAX + 1];
	struct test_case c = {"endless", text, HTTP1_HEAD_MAX, 431, NULL};

	(void)state;
	memset(text, 'G', sizeof(text) - 1);
	check_request(&c, 1);
	c.n = HTTP1_HEAD_MAX - 1;
	c.status = MORE;
	check_request(&c, 4096);
}

/* Slowloris ends by timeouts, but a wrong line ends at once. */
static void test_request_is_refused_at_the_first_wrong_line(void **state)
{
	struct http1_head h = {0};
	struct http1_refusal refusal = {0, NULL};
	autobuf struct buf in = BUF_INIT(HTTP1_HEAD_MAX);

	(void)state;
	buf_puts(&in, GET "X : y\r\n");
	assert_int_equal(http1_read_request(&h, &in, &refusal), PARSE_BAD);
	assert_int_equal(refusal.status, 400);
	assert_string_equal(refusal.text, "white space before a field's colon");
	http1_head_free(&h);
}

/* Wherever in a value it stands: values are looked at in words of eight. */
static void test_value_has_no_control_but_the_tab(void **state)
{
	char text[] = GET "User-Agent: xxxxxxxxxxxxxxxxxxxxxxxx\r\n\r\n";
	size_t at = sizeof(GET) - 1 + sizeof("User-Agent: ") - 1;

	(void)state;
	for (unsigned int c = 0; c < 256; c++)
		for (size_t i = 1; i < 23; i++) {
			bool is_bad = (c < 0x20 && c != '\t') || c == 0x7f;
			struct test_case t = {"control", text, sizeof(text) - 1, is_bad ? 400 : 0,
					      "GET promptfax.app:443 /mcp none '' keep"};

			text[at + i] = (char)c;
			check_request(&t, t.n);
			text[at + i] = 'x';
		}
}

static void test_head_reads_one_message_after_another(void **state)
{
	struct http1_head h = {0};
	struct http1_refusal refusal = {0, NULL};
	autobuf struct buf in = BUF_INIT(HTTP1_HEAD_MAX);

	(void)state;
	buf_puts(&in,
		 POST "Expect: 100-continue\r\nUpgrade: x\r\nContent-Length: 0\r\n\r\n" GET "\r\n");
	assert_true(http1_read_request(&h, &in, &refusal) > 0);
	assert_true(h.expects_continue && http1_head_has(&h, HTTP1_F_UPGRADE));
	assert_true(http1_head_has(&h, HTTP1_F_EXPECT));
	assert_true(http1_read_request(&h, &in, &refusal) > 0);
	assert_int_equal(h.method, HTTP1_GET);
	assert_int_equal(h.n_fields, 1);
	assert_false(h.expects_continue || http1_head_has(&h, HTTP1_F_UPGRADE) ||
		     http1_head_has(&h, HTTP1_F_EXPECT));
	assert_int_equal(h.framing, HTTP1_FRAMING_NONE);
	assert_int_equal(in.len, 0);
	http1_head_free(&h);
}

static void test_head_keeps_its_bytes_when_the_buffer_goes(void **state)
{
	struct http1_head h = {0};
	struct http1_refusal refusal = {0, NULL};
	struct buf in = BUF_INIT(HTTP1_HEAD_MAX);

	(void)state;
	buf_puts(&in, POST "Mcp-Name: send_fax\r\nX-Two: 1\r\nx-two: 2\r\nMCP-Session-Id:\r\n\r\n");
	assert_true(http1_read_request(&h, &in, &refusal) > 0);
	buf_free(&in);
	assert_true(span_equals(http1_head_known(&h, HTTP1_F_MCP_NAME), "send_fax"));
	assert_true(http1_head_has(&h, HTTP1_F_MCP_SESSION_ID));
	assert_int_equal(http1_head_known(&h, HTTP1_F_MCP_SESSION_ID).n, 0);
	assert_false(http1_head_has(&h, HTTP1_F_ORIGIN));
	assert_true(span_equals(http1_head_name(&h, 0), "Host"));
	http1_head_free(&h);
}

static void test_charset_is_utf8_or_unnamed(void **state)
{
	static const struct {
		const char *type;
		bool good;
	} rows[] = {
		{"", true},
		{"application/json", true},
		{"application/json; charset=utf-8", true},
		{"application/json;Charset=\"UTF-8\" ; a=b", true},
		{"application/json; charset=utf-7", false},
		{"application/json; charset=utf-8x", false},
		{"application/json; charset = utf-8", false},
		{"application/json; charset", false},
		{"application/json; charset=", false},
		{"application/json; charset*=utf-8''utf-7", false},
		{"application/json; charset=utf-8; charset=utf-7", false},
		{"application/json; charset=utf-7; charset=utf-8", false},
		{"application/json; a=\"charset=utf-8\"; charset=utf-7", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (http1_charset_is_utf8(span_of(rows[i].type)) != rows[i].good)
			fail_msg("%s", rows[i].type);
}

static void test_media_types(void **state)
{
	(void)state;
	assert_true(http1_media_type_is(span_of("Application/JSON ; charset=utf-8"),
					"application/json"));
	assert_false(http1_media_type_is(span_of("application/json5"), "application/json"));
	assert_false(http1_media_type_is(span_of(""), "application/json"));
	assert_true(http1_media_type_ends(span_of("application/vnd.x+JSON ;a=b"), "+json"));
	assert_false(http1_media_type_ends(span_of("application/json+protobuf"), "+json"));
	assert_false(http1_media_type_ends(span_of("+json"), "+json"));
	assert_false(http1_media_type_ends(span_of("text/plain; a=+json"), "+json"));
}

/* --- responses ------------------------------------------------------------------- */

struct response_case {
	const char *name;
	const char *bytes;
	size_t n;
	enum http1_method asked;
	unsigned int status; /* 0: understood */
	const char *reading;
};

#define OK(name, bytes, asked, reading)                                                            \
	{                                                                                          \
		(name), (bytes), sizeof(bytes) - 1, (asked), 0, (reading)                          \
	}
#define NO(name, bytes)                                                                            \
	{                                                                                          \
		(name), (bytes), sizeof(bytes) - 1, HTTP1_POST, 502, NULL                          \
	}
#define CUT(name, bytes)                                                                           \
	{                                                                                          \
		(name), (bytes), sizeof(bytes) - 1, HTTP1_POST, MORE, NULL                         \
	}
#define R200     "HTTP/1.1 200 OK\r\n"
#define RCHUNKED R200 "Transfer-Encoding: chunked\r\n\r\n"

static const struct response_case responses[] = {
	OK("length", R200 "Content-Length: 2\r\n\r\n{}", HTTP1_POST, "200 length '{}' keep"),
	OK("length zero", R200 "Content-Length: 0\r\n\r\n", HTTP1_POST, "200 length '' keep"),
	OK("chunked", RCHUNKED "2\r\n{}\r\n0\r\n\r\n", HTTP1_POST, "200 chunked '{}' keep"),
	OK("chunked in capitals", R200 "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", HTTP1_POST,
	   "200 chunked '' keep"),
	OK("chunk extensions are skipped", RCHUNKED "2;a=\"b;c\" ;\td\r\n{}\r\n0 ; x\r\n\r\n",
	   HTTP1_POST, "200 chunked '{}' keep"),
	OK("space behind a size", RCHUNKED "2 \r\n{}\r\n0\r\n\r\n", HTTP1_POST,
	   "200 chunked '{}' keep"),
	OK("trailers are dropped", RCHUNKED "2\r\n{}\r\n0\r\nX: 1\r\nContent-Length: 9\r\n\r\n",
	   HTTP1_POST, "200 chunked '{}' keep"),
	OK("until close", R200 "\r\nabc", HTTP1_POST, "200 close 'abc'"),
	OK("until close, nothing", R200 "\r\n", HTTP1_POST, "200 close ''"),
	OK("until close, HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nabc", HTTP1_POST, "200 close 'abc'"),
	OK("HTTP/1.0 with length", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", HTTP1_POST,
	   "200 length 'x'"),
	OK("Connection: close", R200 "Content-Length: 1\r\nConnection: close\r\n\r\nx", HTTP1_POST,
	   "200 length 'x'"),
	OK("no reason phrase", "HTTP/1.1 202 \r\nContent-Length: 0\r\n\r\n", HTTP1_POST,
	   "202 length '' keep"),
	OK("no reason phrase, no space", "HTTP/1.1 202\r\nContent-Length: 0\r\n\r\n", HTTP1_POST,
	   "202 length '' keep"),
	OK("reason phrase past ASCII", "HTTP/1.1 200 Tr\xe8s bien\r\nContent-Length: 0\r\n\r\n",
	   HTTP1_POST, "200 length '' keep"),
	OK("HEAD has no body", R200 "Content-Length: 500\r\n\r\n", HTTP1_HEAD, "200 none '' keep"),
	OK("HEAD, chunked", R200 "Transfer-Encoding: chunked\r\n\r\n", HTTP1_HEAD,
	   "200 none '' keep"),
	OK("HEAD without framing", R200 "\r\n", HTTP1_HEAD, "200 none '' keep"),
	OK("204", "HTTP/1.1 204 No Content\r\n\r\n", HTTP1_DELETE, "204 none '' keep"),
	OK("204 with length zero", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
	   HTTP1_DELETE, "204 none '' keep"),
	OK("204 with a body is not kept", "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{}",
	   HTTP1_DELETE, "204 none '' rest=2"),
	OK("204 chunked is not kept",
	   "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", HTTP1_DELETE,
	   "204 none '' rest=5"),
	OK("304 with length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n", HTTP1_GET,
	   "304 none '' keep"),
	OK("100", "HTTP/1.1 100 Continue\r\n\r\n" R200, HTTP1_POST, "100 none '' keep rest=17"),
	OK("103", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", HTTP1_POST, "103 none '' keep"),
	OK("101 is not kept", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\nxyz",
	   HTTP1_POST, "101 none '' upgrade rest=3"),
	OK("CONNECT answered", R200 "\r\nbytes", HTTP1_CONNECT, "200 none '' rest=5"),
	OK("CONNECT refused", "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
	   HTTP1_CONNECT, "403 length 'no' keep"),
	OK("a second response is left", R200 "Content-Length: 1\r\n\r\nx" R200, HTTP1_POST,
	   "200 length 'x' keep rest=17"),
	OK("redirect",
	   "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://x/\r\n"
	   "Content-Length: 0\r\n\r\n",
	   HTTP1_POST, "307 length '' keep"),
	NO("CL and TE", R200 "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	NO("CL twice", R200 "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}"),
	NO("CL list", R200 "Content-Length: 2, 2\r\n\r\n{}"),
	NO("CL signed", R200 "Content-Length: +2\r\n\r\n{}"),
	NO("TE gzip", R200 "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
	NO("TE twice", R200 "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
	NO("TE in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	NO("length past the bound", R200 "Content-Length: 1001\r\n\r\n"),
	NO("chunk past the bound", RCHUNKED "fff\r\n"),
	NO("chunk size too long", RCHUNKED "0000000000000000002\r\n{}\r\n"),
	NO("chunk size of sixteen digits", RCHUNKED "0000000000000002\r\n{}\r\n0\r\n\r\n"),
	NO("chunk size no number", RCHUNKED "g\r\n"),
	NO("chunk size, junk behind", RCHUNKED "2 x\r\n{}\r\n0\r\n\r\n"),
	NO("chunk extension with CR", RCHUNKED "2;a\rb\r\n{}\r\n0\r\n\r\n"),
	NO("chunk size, bare LF", RCHUNKED "2\n{}\r\n0\r\n\r\n"),
	NO("trailer ended by LF", RCHUNKED "0\r\nX: 1\n\r\n"),
	NO("trailer with NUL", RCHUNKED "0\r\nX: \0\r\n\r\n"),
	NO("folded field", R200 "X: a\r\n b\r\n\r\n"),
	NO("bare LF", "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n"),
	NO("bare CR", R200 "X: a\rb\r\n\r\n"),
	NO("NUL", R200 "X: \0\r\n\r\n"),
	NO("space before colon", R200 "Content-Length : 0\r\n\r\n"),
	NO("HTTP/2", "HTTP/2 200\r\n\r\n"),
	NO("HTTP/1.2", "HTTP/1.2 200 OK\r\n\r\n"),
	NO("status of two digits", "HTTP/1.1 20 OK\r\n\r\n"),
	NO("status of four digits", "HTTP/1.1 2000 OK\r\n\r\n"),
	NO("status 099", "HTTP/1.1 099 OK\r\n\r\n"),
	NO("status 600", "HTTP/1.1 600 OK\r\n\r\n"),
	NO("control in the reason", "HTTP/1.1 200 O\x1bK\r\n\r\n"),
	NO("SSH", "SSH-2.0-OpenSSH_9.2\r\n"),
	NO("empty line in front", "\r\n" R200 "\r\n"),
	NO("Content-Type twice", R200 "Content-Type: a/b\r\nContent-Type: c/d\r\n\r\n"),
	CUT("length, cut short", R200 "Content-Length: 3\r\n\r\n{}"),
	CUT("chunked, cut short", RCHUNKED "2\r\n{}\r\n"),
	CUT("chunked, cut within a size", RCHUNKED "2"),
	CUT("trailers, cut short", RCHUNKED "0\r\nX: 1\r\n"),
	CUT("head, cut short", R200),
};

static void check_response(const struct response_case *c, size_t step)
{
	struct reader r = {.guard = guard_new(), .bytes = c->bytes, .n = c->n, .step = step};
	struct http1_head h = {0};
	struct http1_refusal refusal = {0, NULL};
	char body[BODY_MAX + 1] = "", reading[2048] = "";
	unsigned int status = 0;
	ssize_t n;

	while ((n = http1_read_response(&h, &r.in, c->asked, &refusal)) == PARSE_MORE)
		if (!reader_feed(&r))
			break;
	if (n == PARSE_MORE)
		status = MORE;
	else
		status = n == PARSE_BAD ? refusal.status : read_body(&r, &h, body, &refusal);
	if (!status)
		snprintf(reading, sizeof(reading), "%u %s '%s'%s%s", h.status,
			 framing_name(h.framing), body, h.keep_alive ? " keep" : "",
			 http1_head_has(&h, HTTP1_F_UPGRADE) ? " upgrade" : "");
	if (!status && r.in.len + (r.n - r.at))
		snprintf(reading + strlen(reading), sizeof(reading) - strlen(reading), " rest=%zu",
			 r.in.len + (r.n - r.at));
	if (status != c->status || (!status && strcmp(reading, c->reading) != 0))
		fail_msg("%s (step %zu): %u %s, expected %u %s", c->name, step, status, reading,
			 c->status, c->reading ? c->reading : "");
	http1_head_free(&h);
	guard_free(&r.guard);
}

static void test_responses_have_one_reading(void **state)
{
	(void)state;
	assert_true(ARRAY_SIZE(responses) >= 40);
	for (size_t i = 0; i < ARRAY_SIZE(responses); i++)
		for (size_t step = 1; step <= 9; step += 4)
			check_response(&responses[i], step);
	for (size_t i = 0; i < ARRAY_SIZE(responses); i++)
		check_response(&responses[i], responses[i].n + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests_have_one_reading),
		cmocka_unit_test(test_requests_read_the_same_byte_by_byte),
		cmocka_unit_test(test_head_bounds_are_exact),
		cmocka_unit_test(test_head_refuses_an_endless_line),
		cmocka_unit_test(test_request_is_refused_at_the_first_wrong_line),
		cmocka_unit_test(test_value_has_no_control_but_the_tab),
		cmocka_unit_test(test_head_reads_one_message_after_another),
		cmocka_unit_test(test_head_keeps_its_bytes_when_the_buffer_goes),
		cmocka_unit_test(test_media_types),
		cmocka_unit_test(test_charset_is_utf8_or_unnamed),
		cmocka_unit_test(test_responses_have_one_reading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
