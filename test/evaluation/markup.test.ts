import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { asIs, coordinate, markup, name, nothing } from '../../src/evaluation/markup.js';

test('text is escaped, markup is not escaped twice', t => {
  t.is(markup`<p>${'a < b & "c"'}</p>`.text, '<p>a &lt; b &amp; &quot;c&quot;</p>');
  t.is(markup`<p>${markup`<b>${'<'}</b>`}</p>`.text, '<p><b>&lt;</b></p>');
  t.is(markup`${[asIs('<i>'), asIs('</i>')]}`.text, '<i></i>');
});

test('numbers are short, nothing prints nothing', t => {
  t.is(markup`${1 / 3} ${-0.001}`.text, '0.33 0');
  t.is(markup`[${undefined}${nothing}]`.text, '[]');
  t.is(coordinate(-0), '0');
});

test('control characters are shown, not obeyed', t => {
  t.is(markup`${'a\u0000b\n'}`.text, 'a\\u0000b\\u000a');
});

test('names keep their direction to themselves', t => {
  t.is(name('שלום').text, '<bdi>שלום</bdi>');
});

testProp('no text can open a tag or close a quote', [fc.string({ unit: 'binary' })], (t, text) => {
  t.notRegex(markup`${text}`.text, /[<>"']/);
});
