// Raw bytes over a socket: what is not exactly HTTP/1.1, or may be read in two ways, gets one whole JSON refusal and the
// end of its connection (RFC 9110, RFC 9112).
// Row 5.6 of safety.md.

import test from 'ava';
import { until } from '../../until.js';
import { listen, makeApp, parseAnswer, talk } from './talk.js';

const { app, entries } = makeApp();
let port = 0;
test.before(async () => {
  port = await listen(app);
});
test.after.always(() => app.close());

const path = '/v2/models/add/infer';
const json = 'Content-Type: application/json\r\n';
const host = 'Host: a\r\n';
const post = (headers: string, body = '{}', first = `POST ${path} HTTP/1.1`) => `${first}\r\n${headers}\r\n${body}`;
const good = post(`${host}${json}Content-Length: 2\r\n`);

/** Sent, wanted status. The end of the connection and one answer are wanted of all. */
const refused: Readonly<Record<string, readonly [bytes: string, status: number]>> = {
  'two Hosts': [post(`${host}Host: b\r\n${json}Content-Length: 2\r\n`), 400],
  'the same Host twice': [post(`${host}${host}${json}Content-Length: 2\r\n`), 400],
  'no Host': [post(`${json}Content-Length: 2\r\n`), 400],
  'an empty Host': [post(`Host:\r\n${json}Content-Length: 2\r\n`), 400],
  'a Host with a path': [post(`Host: a/b\r\n${json}Content-Length: 2\r\n`), 400],
  'a Host with a user': [post(`Host: me@a\r\n${json}Content-Length: 2\r\n`), 400],
  'both lengths': [post(`${host}${json}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n`, '0\r\n\r\n'), 400],
  'both lengths, other order': [post(`${host}${json}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n`, '0\r\n\r\n'), 400], // prettier-ignore
  'equal lengths twice': [post(`${host}${json}Content-Length: 2\r\nContent-Length: 2\r\n`), 400],
  'other lengths twice': [post(`${host}${json}Content-Length: 2\r\nContent-Length: 3\r\n`), 400],
  'a list of lengths': [post(`${host}${json}Content-Length: 2, 2\r\n`), 400],
  'an empty length': [post(`${host}${json}Content-Length:\r\n`), 400],
  'a negative length': [post(`${host}${json}Content-Length: -2\r\n`), 400],
  'a length with a sign': [post(`${host}${json}Content-Length: +2\r\n`), 400],
  'a hexadecimal length': [post(`${host}${json}Content-Length: 0x2\r\n`), 400],
  'a length over 2^64': [post(`${host}${json}Content-Length: 99999999999999999999\r\n`), 400],
  'a length over the limit': [post(`${host}${json}Content-Length: 10737418240\r\n`), 413],
  'chunked after gzip': [post(`${host}${json}Transfer-Encoding: gzip, chunked\r\n`, '0\r\n\r\n'), 400],
  'gzip after chunked': [post(`${host}${json}Transfer-Encoding: chunked, gzip\r\n`, '0\r\n\r\n'), 400],
  'chunked twice': [post(`${host}${json}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n`, '0\r\n\r\n'), 400], // prettier-ignore
  identity: [post(`${host}${json}Transfer-Encoding: identity\r\n`, ''), 400],
  xchunked: [post(`${host}${json}Transfer-Encoding: xchunked\r\n`, '0\r\n\r\n'), 400],
  'chunked in HTTP/1.0': [post(`${json}Transfer-Encoding: chunked\r\n`, '0\r\n\r\n', `POST ${path} HTTP/1.0`), 400],
  'a chunk size that is none': [post(`${host}${json}Transfer-Encoding: chunked\r\n`, 'zz\r\n{}\r\n0\r\n\r\n'), 400],
  'a negative chunk size': [post(`${host}${json}Transfer-Encoding: chunked\r\n`, '-2\r\n{}\r\n0\r\n\r\n'), 400],
  'a chunk size with 0x': [post(`${host}${json}Transfer-Encoding: chunked\r\n`, '0x2\r\n{}\r\n0\r\n\r\n'), 400],
  'a chunk size over 2^64': [post(`${host}${json}Transfer-Encoding: chunked\r\n`, 'fffffffffffffffff\r\n{}'), 400],
  'a chunk of 2^64 - 1 bytes': [post(`${host}${json}Transfer-Encoding: chunked\r\n`, 'ffffffffffffffff\r\n{}'), 413],
  'a chunk over the limit after another': [
    post(`${host}${json}Transfer-Encoding: chunked\r\n`, '2\r\n{}\r\n4000001\r\n'),
    413,
  ],
  'a chunk without its line end': [post(`${host}${json}Transfer-Encoding: chunked\r\n`, '2\r\n{}0\r\n\r\n'), 400],
  'a chunk with a bare LF': [post(`${host}${json}Transfer-Encoding: chunked\r\n`, '2\n{}\n0\n\n'), 400],
  'long chunk extensions': [post(`${host}${json}Transfer-Encoding: chunked\r\n`, `2;${'a'.repeat(40_000)}\r\n{}\r\n0\r\n\r\n`), 413], // prettier-ignore
  'a blank before the colon': [post(`${host}${json}Transfer-Encoding : chunked\r\n`, '0\r\n\r\n'), 400],
  'a header without colon': [post(`${host}${json}nothing\r\nContent-Length: 2\r\n`), 400],
  'a header without name': [post(`${host}${json}: x\r\nContent-Length: 2\r\n`), 400],
  'a folded header': [post(`${host}${json}X-A: a\r\n b\r\nContent-Length: 2\r\n`), 400],
  'a bare LF in the headers': [post(`${host}${json}X-A: a\nX-B: b\r\nContent-Length: 2\r\n`), 400],
  'a bare CR in the headers': [post(`${host}${json}X-A: a\rX-B: b\r\nContent-Length: 2\r\n`), 400],
  'bare LF everywhere': [good.replaceAll('\r\n', '\n'), 400],
  'a NUL in a header': [post(`${host}${json}X-A: a\0b\r\nContent-Length: 2\r\n`), 400],
  'a header over the limit': [post(`${host}X-A: ${'a'.repeat(20_000)}\r\nContent-Length: 2\r\n`), 431],
  'a header name over the limit': [post(`${host}${'a'.repeat(20_000)}: a\r\nContent-Length: 2\r\n`), 431],
  'too many headers': [post(`${host}${'X-A: a\r\n'.repeat(5_000)}Content-Length: 2\r\n`), 431],
  'a URL over the limit': [good.replace('infer', `infer?${'a'.repeat(9_000)}`), 431],
  'an unknown method': [good.replace('POST', 'BREW'), 400],
  'a method in small letters': [good.replace('POST', 'post'), 400],
  'no method': [good.replace('POST', ''), 400],
  'no version': [good.replace(' HTTP/1.1', ''), 400],
  'HTTP/9.9': [good.replace('HTTP/1.1', 'HTTP/9.9'), 400],
  'HTTP/2.0': [good.replace('HTTP/1.1', 'HTTP/2.0'), 400],
  'HTTP/0.9': [good.replace('HTTP/1.1', 'HTTP/0.9'), 400],
  'http/1.1': [good.replace('HTTP/1.1', 'http/1.1'), 400],
  'a fragment': [good.replace('infer', 'infer#a'), 400],
  'a target that is no path': [good.replace(path, 'v2/models/add/infer'), 400],
  'a target of another scheme': [good.replace(path, 'ftp://a/v2'), 400],
  'a star': [good.replace(`POST ${path}`, 'OPTIONS *'), 400],
  'bytes over ASCII in the target': [good.replace('add', '\u00ff\u00fe'), 400],
  'a broken percent': [good.replace('add', '%zz'), 400],
  'percent that is no UTF-8': [good.replace('add', '%ff%fe'), 400],
  'an unknown expectation': [post(`${host}${json}Expect: 200-maybe\r\nContent-Length: 2\r\n`), 417],
  'a list of expectations': [post(`${host}${json}Expect: 100-continue, more\r\nContent-Length: 2\r\n`), 417],
  'an upgrade': [`GET /v2 HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`, 400],
  'an upgrade to HTTP/2': [`GET /v2 HTTP/1.1\r\n${host}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n`, 400], // prettier-ignore
  'a tunnel': [`CONNECT a:80 HTTP/1.1\r\n${host}\r\n`, 400],
  'the preface of HTTP/2': ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  'a TLS hello': ['\x16\x03\x01\x00\x65\x01\x00\x00\x61\x03\x03' + '\x07'.repeat(90), 400],
  noise: [Array.from({ length: 500 }, (_, at) => String.fromCharCode((at * 7919) % 251)).join(''), 400],
  'two keys': [post(`${host}${json}Authorization: Bearer a\r\nAuthorization: Bearer b\r\nContent-Length: 2\r\n`), 400],
};

for (const [name, [bytes, status]] of Object.entries(refused))
  test(`refused, with one answer and the end of the connection: ${name}`, async t => {
    // what follows must not be read as a request of its own
    const { text, ended } = await talk(port, Buffer.from(bytes + good, 'latin1'), 20_000);
    const answer = parseAnswer(text);
    t.is(answer.status, status, text);
    const body = JSON.parse(answer.body.slice(0, Number(answer.headers.get('content-length')))) as Record<string, unknown>; // prettier-ignore
    t.deepEqual(Object.keys(body), ['error', 'code', 'request_id']);
    t.is(answer.headers.get('x-request-id'), body['request_id'] as string);
    t.is(answer.headers.get('x-content-type-options'), 'nosniff');
    t.is(answer.headers.get('content-type'), 'application/json; charset=utf-8');
    t.is(answer.headers.get('connection'), 'close');
    t.true(ended);
    t.is(text.match(/HTTP\/1\.1 \d/g)?.length, 1, text);
  });

const taken: Readonly<Record<string, readonly [bytes: string, status: number]>> = {
  'as it should be': [good, 200],
  'two blanks before the version, as RFC 9112 lets servers read': [good.replace(' HTTP/1.1', '  HTTP/1.1'), 200],
  'a target with scheme and authority': [good.replace(path, `http://b${path}`), 200],
  'chunks with extensions and trailers': [post(`${host}${json}Transfer-Encoding: chunked\r\n`, '2;a=b\r\n{}\r\n0\r\nX-Sum: 1\r\n\r\n'), 200], // prettier-ignore
  'chunked in large letters': [post(`${host}${json}Transfer-Encoding: Chunked\r\n`, '2\r\n{}\r\n0\r\n\r\n'), 200],
  'HTTP/1.0 without Host': [post(`${json}Content-Length: 2\r\n`, '{}', `POST ${path} HTTP/1.0`), 200],
  'an expectation that is met': [post(`${host}${json}Expect: 100-continue\r\nContent-Length: 2\r\n`), 100],
  'an IPv6 host': [good.replace('Host: a', 'Host: [::1]:8000'), 200],
  'a path that does not match': [good.replace('models/add', 'models/add/..'), 404],
  'an empty part of a path': [good.replace('/v2', '//v2'), 404],
  'a semicolon': [good.replace('/infer', '/infer;a=b'), 404],
};
for (const [name, [bytes, status]] of Object.entries(taken))
  test(`answered: ${name}`, async t => {
    const { text } = await talk(port, bytes.replace('\r\n', '\r\nConnection: close\r\n'));
    t.is(parseAnswer(text).status, status, text);
    if (status === 100) t.regex(text, /HTTP\/1\.1 200 OK/);
  });

test('percent-encoded slashes and NUL stay in the name', async t => {
  const { text } = await talk(port, good.replace('add', 'a%2Fb%00c').replace('\r\n', '\r\nConnection: close\r\n'));
  t.true(text.includes(JSON.stringify({ model: 'a/b\0c', bytes: 2 })), text);
});

test('a request before a broken one is answered, in order, and the broken one too', async t => {
  const slow = good.replace(path, '/slow/100');
  const { text, ended } = await talk(port, `${slow}BREW / HTTP/1.1\r\n\r\n${good}`);
  t.regex(text, /^HTTP\/1\.1 200 [^]*\{"slow":true\}HTTP\/1\.1 400 /);
  t.true(ended);
  t.is(text.match(/HTTP\/1\.1 \d/g)?.length, 2, text);
});

test('two requests in one packet are two, whatever the body of the first looks like', async t => {
  const first = post(`${host}${json}Content-Length: 18\r\n`, 'ffffffffffffffff\r\n');
  const second = post(`${host}${json}Connection: close\r\nTransfer-Encoding: chunked\r\n`, '2\r\n{}\r\n0\r\n\r\n');
  const { text } = await talk(port, first + second);
  t.regex(text, /^HTTP\/1\.1 200 [^]*"bytes":18\}HTTP\/1\.1 200 [^]*"bytes":2\}$/);
});

test('what follows a request that closes its connection is dropped', async t => {
  const last = good.replace('\r\n', '\r\nConnection: close\r\n').replace(path, '/slow/50');
  const { text } = await talk(port, last + good);
  t.regex(text, /^HTTP\/1\.1 200 [^]*\{"slow":true\}$/);
});

test('a length over the limit is refused before 100 Continue is said', async t => {
  const { text } = await talk(port, post(`${host}${json}Expect: 100-continue\r\nContent-Length: 10737418240\r\n`, ''));
  t.is(parseAnswer(text).status, 413);
});

test('a client that breaks off mid-body leaves no request behind', async t => {
  await talk(port, post(`${host}${json}Content-Length: 1000\r\nX-Request-Id: gone\r\n`, '{"a"'), 500);
  await until(() => entries().some(line => line['request_id'] === 'gone'));
  const line = entries().find(entry => entry['request_id'] === 'gone');
  t.is(line?.['status'], 400);
});
