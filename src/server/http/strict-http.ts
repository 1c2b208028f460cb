// What Node's HTTP parser lets through and this server does not: two Hosts, both lengths of a body, other transfer codings,
// upgrades, HTTP/0.9 and 2.0, targets that are no path, headers twice that may be there once (RFC 9110, RFC 9112).

import type { IncomingMessage } from 'node:http';
import type { GraftError } from '../../serving.js';
import { errors } from '../errors.js';
import type { Limits } from '../limits.js';

/** May be there once: two that differ would be read one way by a proxy and another way here. */
const once = new Set([
  'host',
  'authorization',
  'content-length',
  'content-type',
  'content-encoding',
  'transfer-encoding',
  'expect',
  'origin',
  'inference-header-content-length',
]);

const host = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~%!$&'()*+;=-]+)(?::[0-9]{0,5})?$/;
/** A path with a query, or the same after a scheme and an authority, which a server must take too; no fragment. */
const target = /^(?:https?:\/\/[^/?@]+(?=\/))?\/[\x21\x22\x24-\x7e]*$/i;

/** What is wrong with a request as it came: BAD_REQUEST, EXPECTATION_FAILED, HEADERS_TOO_LARGE; undefined where nothing is. */
export function faultOf(request: IncomingMessage, limits: Limits): GraftError | undefined {
  const { headers, httpVersion, url = '' } = request;
  const bad = (reason: string): GraftError => errors.BAD_REQUEST({ reason });
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return bad('only HTTP/1.1 and HTTP/1.0 are spoken here');
  if (url.length > limits.url)
    return errors.HEADERS_TOO_LARGE({ reason: `the URL has ${url.length} bytes, the limit is ${limits.url}` });
  if (!target.test(url)) return bad('the request target is no path');
  const double = doubled(request.rawHeaders);
  if (double !== undefined) return bad(`the header ${double} is there twice`);
  if (headers.host === undefined) {
    if (httpVersion === '1.1') return bad('the header Host is missing');
  } else if (!host.test(headers.host)) return bad('the header Host is no host');
  const coding = headers['transfer-encoding'];
  if (coding !== undefined) {
    if (coding.toLowerCase() !== 'chunked') return bad('the only transfer coding taken is chunked');
    if (headers['content-length'] !== undefined) return bad('Content-Length and Transfer-Encoding are both there');
    if (httpVersion === '1.0') return bad('HTTP/1.0 has no Transfer-Encoding');
  }
  if (headers.upgrade !== undefined) return bad('this connection cannot be upgraded');
  if (headers.expect !== undefined && headers.expect.toLowerCase() !== '100-continue')
    return errors.EXPECTATION_FAILED({ reason: 'the only expectation that is met is 100-continue' });
  return undefined;
}

function doubled(rawHeaders: readonly string[]): string | undefined {
  const seen = new Set<string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!.toLowerCase();
    if (!once.has(name)) continue;
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return undefined;
}

const ofParser = new Map([
  ['HPE_HEADER_OVERFLOW', errors.HEADERS_TOO_LARGE],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', errors.TOO_LARGE],
  ['ERR_HTTP_REQUEST_TIMEOUT', errors.REQUEST_TIMEOUT],
]);

/** What Node's parser gave up on, as a refusal; undefined where nobody is left to be told. */
export function parserError(error: Error): GraftError | undefined {
  const code = 'code' in error ? String(error.code) : '';
  const reason = 'reason' in error && typeof error.reason === 'string' ? error.reason : '';
  const make = ofParser.get(code);
  if (make) return make({ reason: said.get(code)! }, error);
  if (!code.startsWith('HPE_')) return undefined;
  return errors.BAD_REQUEST({ reason: `this is not HTTP/1.1${reason === '' ? '' : `: ${reason}`}` }, error);
}

const said = new Map([
  ['HPE_HEADER_OVERFLOW', 'the headers are larger than the limit'],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 'the extensions of chunks are larger than the limit'],
  ['ERR_HTTP_REQUEST_TIMEOUT', 'the request did not arrive in time'],
]);
