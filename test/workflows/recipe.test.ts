// Recipes: one line, YAML and JSON say the same; what makes no sense is refused where it stands.

import test from 'ava';
import { parseRecipe } from '../../src/workflows/recipe.js';
import type { RecipeNode } from '../../src/workflows/recipe-nodes.js';
import { printRecipe } from '../../src/workflows/recipe-line.js';

const member = (name: string): RecipeNode => ({ op: 'member', member: name });

test('a line is a tree', t => {
  t.deepEqual(parseRecipe('average[ soup[run@checkpoints], run@average, tta(hflip, five_crop)[run-b] ]').root, {
    op: 'average',
    members: [
      { op: 'soup', members: [member('run@checkpoints')] },
      member('run@average'),
      { op: 'tta', views: ['hflip', 'five_crop'], members: [member('run-b')] },
    ],
  });
  t.deepEqual(parseRecipe('average(logit)[2*a, b]').root, {
    op: 'average',
    rule: 'logit',
    members: [member('a'), member('b')],
    weights: [2, 1],
  });
  t.deepEqual(parseRecipe('tta(hflip, learned)["runs/a, b [1]"]').root, {
    op: 'tta',
    weights: 'learned',
    views: ['hflip'],
    members: [member('runs/a, b [1]')],
  });
});

test('YAML and JSON give the same as the line', t => {
  const { root } = parseRecipe('average[greedy[a, b], tta(hflip)[c]]');
  const yaml = `
version: 1
root:
  op: average
  members:
    - op: greedy
      members: [a, b]
    - op: tta
      views: [hflip]
      members: [c]
`;
  t.deepEqual(parseRecipe(yaml).root, root);
  t.deepEqual(parseRecipe(JSON.stringify({ version: 1, root })).root, root);
});

test('what is printed is read again', t => {
  for (const line of [
    'average[a, b]',
    'average(logit)[2*a, 1*b]',
    'average(learned)[a, b]',
    'cascade(0.01)[soup(greedy)[run@checkpoints], stack[a, b]]',
    'tta("augment:flip,rotate=10*4", greedy)["a b"]',
    'average[dropout(8)[a], batchnorm(4)[b], swag(16)[c@checkpoints]]',
  ]) {
    const { root } = parseRecipe(line);
    t.deepEqual(parseRecipe(printRecipe(root)).root, root, line);
  }
});

test('a line that makes no sense is refused where it goes wrong', t => {
  const wrong: [text: string, at: number][] = [
    ['average[a, b', 13],
    ['average[a,]', 11],
    ['average(best)[a]', 17],
    ['average[a] b', 12],
    ['tta[a]', 7],
    ['tta(hflip)[a, b]', 17],
    ['cascade[a]', 11],
    ['dropout(x)[a]', 14],
    ['average[mean[a, b]]', 13],
  ];
  for (const [text, at] of wrong) {
    const error = t.throws(() => parseRecipe(text), { code: 'RECIPE_SYNTAX' }, text);
    t.regex(error.message, new RegExp(`at ${at}:`), `${text}: ${error.message}`);
  }
});

test('a file that makes no sense is refused by its field', t => {
  const of = (root: unknown) => () => parseRecipe(JSON.stringify({ version: 1, root }), 'mine.json');
  t.throws(of({ op: 'mean', members: ['a'] }), { code: 'RECIPE_FIELD', message: /mine\.json.*root\.op.*"mean"/ });
  t.throws(of({ op: 'average', members: ['a', { op: 'member', member: 3 }] }), {
    message: /root\.members\[1\]\.member/,
  });
  t.throws(of({ op: 'average', members: ['a', 'b'], weights: [1] }), { message: /2 weights/ });
  t.throws(of({ op: 'average', members: ['a'], wieghts: [1] }), { message: /root\.wieghts/ });
  t.throws(() => parseRecipe('{"version": 2, "root": "a"}'), { code: 'RECIPE_VERSION' });
  t.throws(() => parseRecipe('{"version": 1,'), { code: 'RECIPE_SYNTAX' });
  let deep: unknown = 'a';
  for (let i = 0; i < 40; i++) deep = { op: 'average', members: [deep] };
  t.throws(of(deep), { message: /at most 16 levels/ });
});
