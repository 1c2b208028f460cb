// The script of graft export ray is Python: whatever python3 is there compiles it.

import { spawnSync } from 'node:child_process';
import test from 'ava';
import { rayScript } from '../../src/workflows/export-ray.js';

test('predict.py compiles', t => {
  const { error, status, stderr } = spawnSync('python3', ['-c', 'import sys; compile(sys.stdin.read(), "predict.py", "exec")'], { input: rayScript, encoding: 'utf8' }); // prettier-ignore
  if (error) t.pass('no python3 here');
  else t.is(status, 0, stderr);
});
