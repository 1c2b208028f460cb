// Sizes of chunks are found wherever packets are cut.

import test from 'ava';
import { chunkSizes } from '../../../src/server/http/chunk-sizes.js';

const head = 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n';

/** What the bytes come to, in packets of a size; the request is there from the end of its headers on. */
function found(text: string, packet: number, kind: 'chunked' | 'other' = 'chunked', limit = 1000): string {
  const bytes = Buffer.from(text);
  let at = 0;
  const sizes = chunkSizes(() => (at >= text.indexOf(head) + head.length ? kind : 'none'), limit);
  while (at < bytes.length) {
    const part = bytes.subarray(at, at + packet);
    at += part.length;
    const said = sizes.add(part);
    if (said !== 'more') return said;
  }
  return 'more';
}

for (const packet of [1, 2, 3, 7, 1000])
  test(`in packets of ${packet} bytes`, t => {
    t.is(found(`${head}3e8\r\n${'a'.repeat(1000)}\r\n0\r\n\r\n`, packet), 'done');
    t.is(found(`${head}3e9\r\n`, packet), 'too large');
    t.is(found(`${head}2;a=ffff\r\n{}\r\n0\r\n\r\n`, packet), 'done');
    t.is(found(`\r\n\r\n\r\n${head}3e9\r\n`, packet), 'too large');
    // what looks like a size within a chunk is none
    t.is(found(`${head}a\r\nffff\r\nffff\r\nFFFF;x\r\n`, packet), 'too large');
    t.is(found(`${head}a\r\nffff\r\nffff\r\n3`, packet), 'more');
    t.is(found(`${head}000000000000000000001\r\na\r\n00\r\n`, packet), 'done');
    t.is(found(`${head}ffffffffff`, packet, 'other'), 'done');
  });
