// Requests that are wrong in the ways that attacks and broken clients are: parts of a request, each taken from lists of
// known tricks or changed by bytes, put together by fast-check.

import fc from 'fast-check';
import { gzipSync } from 'node:zlib';

/** A request before it is bytes. */
export interface Parts {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  /** Lines without their ends. */
  readonly headers: readonly Buffer[];
  readonly body: Buffer;
}

const four = { name: 'x', shape: [1, 4], datatype: 'FP32', data: [1, 2, 3, 4] };
const good = JSON.stringify({ inputs: [four] });
const binaryHead = JSON.stringify({ inputs: [{ ...four, data: undefined, parameters: { binary_data_size: 16 } }] });
const floats = Buffer.from(Float32Array.of(1, 2, 3, 4).buffer);

const base: readonly { readonly target: string; readonly method: string; readonly lines: readonly string[]; readonly body: Buffer }[] = [
  { target: '/v2/models/add/infer', method: 'POST', lines: ['Content-Type: application/json'], body: Buffer.from(good) },
  { target: '/v2/models/add/infer', method: 'POST', lines: ['Content-Type: application/octet-stream', `Inference-Header-Content-Length: ${binaryHead.length}`], body: Buffer.concat([Buffer.from(binaryHead), floats]) },
  { target: '/v2/models/add/infer', method: 'POST', lines: ['Content-Type: application/octet-stream', 'Inference-Header-Content-Length: 0'], body: floats },
  { target: '/v1/models/pic/predict', method: 'POST', lines: ['Content-Type: application/json'], body: Buffer.from('{"images":[{"b64":"aGVsbG8="}],"top":3}') },
  { target: '/v1/models/pic/predict', method: 'POST', lines: ['Content-Type: multipart/form-data; boundary=b'], body: Buffer.from('--b\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\nhello\r\n--b--\r\n') },
  { target: '/v2/repository/index', method: 'POST', lines: ['Content-Type: application/json'], body: Buffer.from('{"ready":true}') },
  { target: '/v2/repository/models/nope/load', method: 'POST', lines: ['Content-Type: application/json'], body: Buffer.from('{"parameters":{"config":"{}"}}') },
  { target: '/v2/models/add', method: 'GET', lines: [], body: Buffer.alloc(0) },
  { target: '/v2/models/add/versions/1/stats', method: 'GET', lines: [], body: Buffer.alloc(0) },
]; // prettier-ignore

/** Text with bytes above 127 as they are. */
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const deep = (depth: number, open: string, close: string): string => `${open.repeat(depth)}${close.repeat(depth)}`;

/** Header lines that are wrong, or that change what the body is. */
export const headerLines: readonly Buffer[] = [
  'Content-Length: 0', 'Content-Length: -1', 'Content-Length: +5', 'Content-Length: 5, 5', 'Content-Length: 0x10',
  'Content-Length: 1e3', 'Content-Length: 18446744073709551617', 'Content-Length:', 'Content-Length: 5 5', 'Content-Length : 5',
  'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked, chunked', 'Transfer-Encoding: gzip, chunked', 'Transfer-Encoding: identity',
  'Transfer-Encoding: \x0bchunked', 'Transfer-Encoding : chunked', 'Transfer-Encoding: chunked;q=1', 'Transfer-Encoding:\tCHUNKED ', 'TE: trailers',
  'Host: b', 'Host:', 'Host: a b', 'Host: a/../b', 'Host: [::1', 'host: évil',
  'X-Fold: a\r\n b', 'X-Fold: a\n b', ' X-Space: a', 'X-Cr: a\rb', 'X-Nul: a\0b', 'X Space: a', ': none', 'nothing', 'X-High: \xff\xfe',
  'Expect: 100-continue', 'Expect: 200-ok', 'Expect:', 'Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings', 'Upgrade: websocket', 'Connection: upgrade',
  'Connection: close, keep-alive', 'Connection: content-length', 'Keep-Alive: timeout=999999', 'Trailer: content-length',
  'Content-Encoding: gzip', 'Content-Encoding: deflate', 'Content-Encoding: br', 'Content-Encoding: gzip, gzip', 'Content-Encoding: \x00',
  'Content-Type: application/json; charset=utf-16', 'Content-Type: application/json; charset=latin1', 'Content-Type: application/pickle', 'Content-Type: multipart/form-data',
  'Content-Type: multipart/form-data; boundary=', 'Content-Type: ../../etc', 'Content-Type:', 'Content-Type: image/png',
  'Inference-Header-Content-Length: 0', 'Inference-Header-Content-Length: -1', 'Inference-Header-Content-Length: 5', 'Inference-Header-Content-Length: 99999999999999999999',
  'Inference-Header-Content-Length: NaN', 'Inference-Header-Content-Length: 1, 2', 'Authorization: Bearer', 'Authorization: Basic YTpi', `Authorization: Bearer ${'a'.repeat(5000)}`,
  'Origin: null', 'Origin: http://evil', 'X-Request-Id: a\tb', `X-Request-Id: ${'a'.repeat(500)}`, 'X-Request-Id: \x1b[31m', 'traceparent: 00-0-0-0', 'traceparent: ff',
  'Range: bytes=0-', 'If-None-Match: *', 'X-HTTP-Method-Override: DELETE', '__proto__: x', 'constructor: x', `X-Long: ${'a'.repeat(17_000)}`,
].map(bytes); // prettier-ignore

export const targets: readonly string[] = [
  '/', '*', '//', '/v2/models//infer', '/v2//models', '/v2/models/%', '/v2/models/%0', '/v2/models/%zz', '/v2/models/%00', '/v2/models/%c0%ae%c0%ae/infer',
  '/v2/models/%ff', '/v2/models/..', '/v2/models/%2e%2e%2fadd', '/v2/models/..%5c..%5cadd', '/v2/models/add%20', '/v2/models/%1b%5b31m', '/v2/models/__proto__',
  '/v2/models/constructor/infer', '/v2/models/add/versions/0', '/v2/models/add/versions/-1', '/v2/models/add/versions/1e1', '/v2/models/add/versions/9999999999',
  '/v2/models/add;x=1', '/v2/models/add#x', '/v2/models/add?a=1&a=2&__proto__=1', `/v2/models/${'a'.repeat(7000)}`, `/v2/models/${'a'.repeat(9000)}`, '/v1/models/pic/predict?top[]=1',
  '/v1/models/pic/predict?top=1&top=2', '/v1/models/pic/predict?top=-1', '/v1/models/pic/predict?members[a]=1', 'http://evil/v2', 'https:///v2', 'evil:80', '/page/..%2f..%2fpackage.json',
  '/page/%2e%2e/%2e%2e/etc/passwd', '/metrics?x=%', '/openapi.json/', '/v2/', '/V2', '/v2/models/\u00e9', '/v2\\models', '/%76%32', '',
]; // prettier-ignore

/** JSON that is none, or that two readers read in two ways. */
export const bodies: readonly Buffer[] = [
  ...['', ' ', 'null', 'true', '0', '"x"', '[]', '{}', '{', '}', '[1,]', '{"a":1,}', '{"a"}', '{a:1}', "{'a':1}", `${good}${good}`, `${good}\0`, `\ufeff${good}`, `//\n${good}`,
    good.replace('1,', 'NaN,'), good.replace('1,', '-Infinity,'), good.replace('1,', '1e999,'), good.replace('1,', '-0,'), good.replace('1,', '1e-999,'), good.replace('1,', '0x1,'),
    good.replace('1,', '01,'), good.replace('1,', '1.,'), good.replace('1,', '.5,'), good.replace('1,', '+1,'), good.replace('1,', `${'9'.repeat(5000)},`), good.replace('1,', 'null,'),
    good.replace('1,', '{},'), good.replace('1,', '"1",'), good.replace('[1,4]', '[-1,4]'), good.replace('[1,4]', '[1,4.5]'), good.replace('[1,4]', '[9007199254740993,4]'),
    good.replace('[1,4]', '[4294967296,4294967296]'), good.replace('[1,4]', '[18446744073709551616]'), good.replace('[1,4]', '[]'), good.replace('[1,4]', `[${'1,'.repeat(100)}4]`),
    good.replace('[1,4]', '{"length":2}'), good.replace('{', '{"inputs":[],'), good.replace('{', '{"__proto__":{"polluted":1},'), good.replace('{', '{"constructor":{"prototype":{"polluted":1}},'),
    good.replace('{', '{"\\u005f_proto__":{"polluted":1},'), good.replace('{', '{"parameters":{"__proto__":{"polluted":1}},'), good.replace('"x"', '"\\ud800"'), good.replace('"x"', '"\\u0000"'),
    good.replace('"x"', '"__proto__"'), good.replace('"FP32"', '"toString"'), good.replace('{', '{"parameters":{"timeout":1e300},'), good.replace('{', '{"parameters":{"priority":-1},'),
    good.replace('{', '{"parameters":{"graft_x":1},'), good.replace('{', '{"parameters":[],'), good.replace('{', '{"outputs":[{"name":"y","parameters":{"classification":1e9}}],'),
    good.replace('{', '{"outputs":{"length":1},'), good.replace('[1,2,3,4]', deep(99, '[', ']')), good.replace('[1,2,3,4]', deep(5000, '[', ']')), deep(100_000, '{"a":', '}'),
    good.replace('[1,2,3,4]', '[[1,2],[3],[4]]'), '{"ready":1}', '{"parameters":{"config":"{\\"weights\\":[1e999]}"}}', '{"parameters":{"config":"nope"}}', '{"parameters":{"file:x":"y"}}',
    '{"images":[{"b64":"!"}]}', '{"images":[{"url":"http://127.0.0.1:1/"}]}', `{"images":[${'{"b64":"aA=="},'.repeat(40)}{}]}`, '{"images":{"length":1}}'].map(text => Buffer.from(text)),
  Buffer.from(good, 'utf16le'), Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from(good, 'utf16le')]), Buffer.concat([Buffer.from('{"id":"'), Buffer.of(0xc0, 0x80), Buffer.from(`",${good.slice(1)}`)]),
  gzipSync(good), gzipSync(Buffer.alloc(3 * 2 ** 20)), gzipSync(good).subarray(0, 20), Buffer.alloc(100_000, 0x5b), Buffer.from('\x80\x04\x95N.', 'latin1'),
]; // prettier-ignore

/** Ways to send a body in chunks. */
const chunkings: readonly ((body: Buffer) => Buffer)[] = [
  body => bytes(`${body.length.toString(16)}\r\n${body.toString('latin1')}\r\n0\r\n\r\n`),
  body => bytes(`${body.length.toString(16)};a=b;c="d\r\n${body.toString('latin1')}\r\n0\r\n\r\n`),
  body => bytes(`${body.length.toString(16)};${'x'.repeat(20_000)}\r\n${body.toString('latin1')}\r\n0\r\n\r\n`),
  body => bytes(`0x${body.length.toString(16)}\r\n${body.toString('latin1')}\r\n0\r\n\r\n`),
  body => bytes(`-1\r\n${body.toString('latin1')}\r\n0\r\n\r\n`),
  body => bytes(`${body.length.toString(16)}\n${body.toString('latin1')}\n0\n\n`),
  body => bytes(`ffffffffffffffff\r\n${body.toString('latin1')}`),
  body => bytes(`${(body.length + 3).toString(16)}\r\n${body.toString('latin1')}\r\n0\r\n\r\n`),
  body => bytes(`${body.length.toString(16)}\r\n${body.toString('latin1')}\r\n0\r\nContent-Length: 5\r\nX: ${'y'.repeat(300)}\r\n\r\n`),
]; // prettier-ignore

/** The bytes of a request; a Host and a Connection come first, so that answers end. */
export const assembled = ({ method, target, version, headers, body }: Parts): Buffer =>
  Buffer.concat([bytes(`${method} ${target} ${version}\r\nHost: a\r\nConnection: close\r\n`), ...headers.flatMap(line => [line, bytes('\r\n')]), bytes('\r\n'), body]); // prettier-ignore

const part = <T>(values: readonly T[], weight = 1) => fc.oneof({ weight, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constantFrom(...values) }); // prettier-ignore

/** Requests with one or several faults, as bytes. */
export const hostileRequest: fc.Arbitrary<Buffer> = fc
  .record({
    from: fc.constantFrom(...base),
    method: part(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'PATCH', 'post', 'P OST', ''], 8),
    target: part(targets, 3),
    version: part(['HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/1.1 ', 'HTTP/1.10', 'http/1.1', 'ICAP/1.0', ''], 10),
    lines: fc.array(fc.constantFrom(...headerLines), { maxLength: 2 }),
    body: part(bodies, 2),
    chunking: part(chunkings, 4),
    isLengthKept: fc.boolean(),
    flips: fc.array(fc.tuple(fc.nat(2000), fc.nat(255)), { maxLength: 2 }),
    cut: fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat(400) }),
  })
  .map(({ from, method, target, version, lines, body = from.body, chunking, isLengthKept, flips, cut }) => {
    const sent = chunking ? chunking(body) : body;
    const length = chunking ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`;
    const isOwn = isLengthKept || !lines.some(line => /^(content-length|transfer-encoding)/i.test(line.toString()));
    const own = [...from.lines, ...(isOwn && (sent.length > 0 || from.method === 'POST') ? [length] : [])].map(bytes);
    const request = assembled({ method: method ?? from.method, target: target ?? from.target, version: version ?? 'HTTP/1.1', headers: [...own, ...lines], body: sent }); // prettier-ignore
    for (const [at, value] of flips) if (at < request.length) request[at] = value;
    return cut === undefined ? request : request.subarray(0, cut);
  });
