# SPDX-License-Identifier: Apache-2.0
"""mcp_calls.py [--modern] [--pause S] WORD… - a minimal agent, for use inside the jail

Each WORD is METHOD or TOOL[:JSON][*N]; one line of outcome is printed for each message:
  tools: a b c             for tools/list
  ok TOOL / denied TOOL: text / error CODE text / http STATUS text
"""
import http.client
import json
import os
import ssl
import sys
import time

HOST, PATH = os.environ.get("MCP_HOST", "promptfax.app"), "/mcp"
MODERN = "2026-07-28"


class Agent:
    def __init__(self, modern):
        self.modern, self.next_id, self.session = modern, 0, None
        self.conn = None

    def connect(self):
        self.conn = http.client.HTTPSConnection(
            HOST, 443, context=ssl.create_default_context(), timeout=30)

    def post(self, method, params=None, notify=False, name=None):
        headers = {"content-type": "application/json",
                   "accept": "application/json, text/event-stream"}
        body = {"jsonrpc": "2.0", "method": method}
        params = dict(params or {})
        if not notify:
            self.next_id += 1
            body["id"] = self.next_id
        if self.modern:
            params["_meta"] = {"io.modelcontextprotocol/protocolVersion": MODERN,
                               "io.modelcontextprotocol/clientCapabilities": {}}
            headers["mcp-protocol-version"], headers["mcp-method"] = MODERN, method
            if name:
                headers["mcp-name"] = name
        elif self.session:
            headers["mcp-session-id"] = self.session
        if params:
            body["params"] = params
        if not self.conn:
            self.connect()
        try:
            self.conn.request("POST", PATH, json.dumps(body), headers)
            answer = self.conn.getresponse()
            data = answer.read()
        except (http.client.HTTPException, OSError) as err:
            self.conn = None
            return 0, str(err) or type(err).__name__
        self.session = answer.getheader("mcp-session-id") or self.session
        return answer.status, self.decode(answer, data)

    @staticmethod
    def decode(answer, data):
        kind = answer.getheader("content-type", "")
        text = data.decode()
        if kind.startswith("text/event-stream"):
            events = [json.loads(l[6:]) for l in text.splitlines() if l.startswith("data: {")]
            finals = [e for e in events if "result" in e or "error" in e]
            return finals[-1] if finals else text
        return json.loads(text) if kind.startswith("application/json") else text

    def open(self):
        if self.modern:
            self.post("server/discover")
            return
        self.post("initialize", {"protocolVersion": "2025-11-25",
                                 "capabilities": {"roots": {}, "sampling": {}},
                                 "clientInfo": {"name": "mcp_calls", "version": "1"}})
        self.post("notifications/initialized", notify=True)


def tell(what, status, answer):
    if not isinstance(answer, dict):
        return "http %s %s" % (status, str(answer).strip().replace("\n", " "))
    if "error" in answer:
        return "error %s %s" % (answer["error"]["code"], answer["error"]["message"])
    result = answer.get("result", {})
    if "tools" in result:
        return "tools: " + " ".join(sorted(t["name"] for t in result["tools"]))
    text = " ".join(c.get("text", "") for c in result.get("content", []))
    return ("denied %s: %s" if result.get("isError") else "ok %s %s") % (what, text[:400])


def main():
    words, modern, pause = sys.argv[1:], False, 0.0
    while words and words[0].startswith("--"):
        if words[0] == "--modern":
            modern = True
        elif words[0] == "--pause":
            pause = float(words.pop(1))
        words.pop(0)
    agent = Agent(modern)
    agent.open()
    for word in words:
        times = 1
        if "*" in word.rpartition("}")[2]:
            word, _, n = word.rpartition("*")
            times = int(n)
        tool, _, arguments = word.partition(":")
        for _ in range(times):
            if "/" in tool:
                status, answer = agent.post(tool, json.loads(arguments or "{}"))
            else:
                params = {"name": tool, "arguments": json.loads(arguments or "{}")}
                status, answer = agent.post("tools/call", params, name=tool)
            print(tell(tool, status, answer), flush=True)
            time.sleep(pause)


main()
