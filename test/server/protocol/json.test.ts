// Row 5.7 of safety.md.
import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { defaultLimits } from '../../../src/server/limits.js';
import { parseJson } from '../../../src/server/protocol/index.js';
import { bytesOf, jsonOf, refusal } from './requests.js';

const parse = (body: Uint8Array | string): unknown =>
  parseJson(typeof body === 'string' ? bytesOf(body) : body, defaultLimits);

test('what is no JSON in UTF-8 is refused', async t => {
  const utf16 = new Uint8Array(Buffer.from('{"a":1}', 'utf16le'));
  const bad: [string, Uint8Array | string, RegExp][] = [
    ['empty', '', /empty/],
    ['cut', '{"inputs":[1', /JSON/],
    ['a literal of JavaScript', '[NaN]', /JSON/],
    ['a byte-order mark', '\ufeff{}', /byte-order mark/],
    ['UTF-16 with a mark', Uint8Array.of(0xff, 0xfe, ...utf16), /UTF-16/],
    ['UTF-16 without', utf16, /UTF-16/],
    ['UTF-16, big end first', Uint8Array.of(0, 0x7b, 0, 0x7d), /UTF-16/],
    ['a byte that is no UTF-8', Uint8Array.of(0x22, 0xff, 0x22), /UTF-8/],
    ['UTF-8 too long', Uint8Array.of(0x22, 0xc0, 0xaf, 0x22), /UTF-8/],
    ['a surrogate in UTF-8', Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22), /UTF-8/],
    ['half a pair as an escape', '{"name":"\\ud800"}', /surrogate/],
    ['half a pair in a key', '{"\\uDC00":1}', /surrogate/],
    ['a string without an end', '"\\"', /JSON/],
    ['too many ends', ']]', /JSON/],
  ];
  for (const [label, body, reason] of bad) {
    const text = await refusal(() => parse(body));
    t.regex(text, /^BAD_JSON: /, label);
    t.regex(text, reason, label);
  }
});

test('depth is found before anything is built', async t => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  t.notThrows(() => parse(nested(100)));
  for (const depth of [101, 40_000, 250_000, 1_000_000])
    t.regex(await refusal(() => parse(nested(depth))), /^BAD_JSON: .*deeper than 100 levels/);
  t.regex(await refusal(() => parse('{"a":'.repeat(101))), /^BAD_JSON: .*deeper/);
  t.deepEqual(parse(`["${'['.repeat(500)}\\"${'{'.repeat(500)}\\\\"]`), [`${'['.repeat(500)}"${'{'.repeat(500)}\\`]);
});

test('strings end where they end, short or long, whatever is escaped', t => {
  for (let length = 55; length < 75; length++)
    for (const end of ['', '\\', '"', '\\"', '\\\\', '"[[,'])
      for (const text of [`${'a'.repeat(length)}${end}`, `${end}${'b'.repeat(length)}${end}${'c'.repeat(100)}${end}`])
        t.deepEqual(parseJson(jsonOf([text, [text]]), { jsonDepth: 2 }, 1), [text, [text]]);
});

test('keys that lead to a prototype are refused, in whatever spelling', async t => {
  for (const body of [
    '{"__proto__":{"polluted":true}}',
    '{"a":[{"\\u005f_proto__":{"polluted":true}}]}',
    '{"constructor":{"prototype":{"polluted":true}}}',
    '{"\\u0063onstructor":{"prototyp\\u0065":{"polluted":true}}}',
  ])
    t.regex(await refusal(() => parse(body)), /^BAD_JSON: the key/, body);
  t.is(({} as Record<string, unknown>)['polluted'], undefined);
  t.deepEqual(parse('{"constructor":"text","name":"__proto__"}'), { constructor: 'text', name: '__proto__' });
});

test('counts that would end the memory are refused before anything is built', async t => {
  t.deepEqual(parseJson(bytesOf('[[1,2,3,4],",,"]'), defaultLimits, 4), [[1, 2, 3, 4], ',,']);
  const said = await refusal(() => parseJson(bytesOf('[1,2,3,4,5]'), defaultLimits, 3));
  t.is(said, 'TOO_LARGE: the JSON has 4 values, the limit is 3');
  // 22 million empty objects would take 1.2 GB
  for (const item of ['{},', '"",']) {
    const text = Buffer.alloc(item.length * 22_000_000, item);
    t.regex(await refusal(() => parse(text)), /^TOO_LARGE: .*memory/, item);
  }
});

testProp(
  'any value without such keys comes back as JSON.parse gives it',
  [fc.jsonValue({ maxDepth: 6 }).filter(value => !/__proto__|constructor/.test(JSON.stringify(value)))],
  (t, value) => {
    t.deepEqual(parse(jsonOf(value)), JSON.parse(JSON.stringify(value)));
  },
  { numRuns: 500 },
);
