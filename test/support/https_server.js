// A real HTTPS server whose requests are answered by the process that started it.
//
//   node https_server.js CERTIFICATE KEY CA h2|h1|both|h2-small HOST PORT [ANSWERS]
//
// A line of JSON on standard output for each request, a line on standard input for its answer:
//
//   {"port":N}
//   {"id":N,"method":..,"path":..,"headers":{..},"body":..,"version":"2.0","connection":N,"waiting":N,"peer":".."}
//   {"id":N,"status":N,"headers":{..},"body":"..","delay":MS,"cut":OCTETS}
//
// waiting: requests that are not answered yet, with this one. cut: so many octets of the body, then the connection is
// gone. Clients need a certificate of the CA.
// ANSWERS: a file of JSON, {"delay":MS,"bodies":{"<aKId>":".."}}; then nobody is asked, for speed.
// h2-small: a session takes ten requests at a time.
//
// SPDX-License-Identifier: Apache-2.0
'use strict';
const fs = require('fs');
const http2 = require('http2');
const https = require('https');
const readline = require('readline');

const [certificate, key, ca, versions, host, port, answers] = process.argv.slice(2);
const options = {
  cert: fs.readFileSync(certificate),
  key: fs.readFileSync(key),
  ca: fs.readFileSync(ca),
  requestCert: true,
  rejectUnauthorized: true,
  allowHTTP1: versions === 'both',
  settings: { maxConcurrentStreams: versions === 'h2-small' ? 10 : 100 },
};
const known = answers ? JSON.parse(fs.readFileSync(answers)) : null;
const waiting = new Map();
let requests = 0;
let connections = 0;

function say(line) {
  process.stdout.write(JSON.stringify(line) + '\n');
}

function socketOf(request) {
  return request.httpVersionMajor === 2 ? request.stream.session.socket : request.socket;
}

function answerKnown(text, response) {
  const body = known.bodies[JSON.parse(text).aKId];

  setTimeout(() => {
    response.writeHead(body ? 200 : 204, { 'content-type': 'application/json' });
    response.end(body);
  }, known.delay);
}

function onRequest(request, response) {
  const id = requests++;
  const chunks = [];
  const session = request.httpVersionMajor === 2 ? request.stream.session : request.socket;
  const peer = (session.socket || session).getPeerCertificate();

  session.number = session.number || ++connections;
  if (!known) waiting.set(id, { request, response });
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('error', () => {});
  response.on('error', () => {});
  if (known) {
    request.on('end', () => answerKnown(Buffer.concat(chunks).toString(), response));
    return;
  }
  request.on('end', () => say({
    id,
    method: request.method,
    path: request.url,
    headers: Object.fromEntries(Object.entries(request.headers).filter(([name]) => name[0] !== ':')),
    body: Buffer.concat(chunks).toString(),
    version: request.httpVersion,
    connection: session.number,
    waiting: waiting.size,
    peer: (peer.subject || {}).CN || '',
  }));
}

function answer({ id, status, headers, body, cut }) {
  const { request, response } = waiting.get(id);
  const octets = Buffer.from(body || '');

  waiting.delete(id);
  if (response.destroyed || (response.stream && response.stream.destroyed)) return;
  response.writeHead(status, headers || {});
  if (cut === undefined) {
    response.end(octets);
    return;
  }
  const socket = socketOf(request);
  response.write(octets.subarray(0, cut));
  setTimeout(() => (request.httpVersionMajor === 2 ? request.stream.session : socket).destroy(), 20);
}

const server = versions === 'h1'
  ? https.createServer(options, onRequest)
  : http2.createSecureServer(options, onRequest);
server.on('sessionError', () => {});
server.on('session', (session) => session.on('error', () => {}));
server.on('tlsClientError', (error) => say({ refused: String(error.code || error.message) }));
server.listen(Number(port), host, () => say({ port: server.address().port }));
readline.createInterface({ input: process.stdin })
  .on('line', (line) => {
    const reply = JSON.parse(line);
    if (reply.delay) setTimeout(answer, reply.delay, reply);
    else answer(reply);
  })
  .on('close', () => process.exit(0));
