import test from 'ava';
import { GraftError } from '../../../src/index.js';
import { toldError, withoutFolders } from '../../../src/server/models/told-error.js';

test('files are told by their names, folders of the host are not', t => {
  const path = '/srv/my models/add/1';
  t.is(withoutFolders('/srv/my models/add/1/model.onnx: no model', path), 'model.onnx: no model');
  t.is(withoutFolders('/srv/my models/add/1 holds nothing', path), '1 holds nothing');
  t.is(withoutFolders("open '/etc/secret/x.bin' and C:\\keys\\y.pem", path), "open 'x.bin' and y.pem");
  t.is(withoutFolders('12/16 values, and/or none; com.microsoft/Gelu', path), '12/16 values, and/or none; com.microsoft/Gelu'); // prettier-ignore
});

test('codes stay; what the system says is an invalid model, what is our fault says nothing', t => {
  const ours = new GraftError('ONNX_X', 'input', '/a/b/model.onnx is odd', { file: '/a/b/model.onnx' }, 'Look.');
  const told = toldError(ours, '/a/b');
  t.like(told, { code: 'ONNX_X', kind: 'input', message: 'model.onnx is odd', details: {}, hint: 'Look.' });
  t.is(told.cause, ours);
  const system = Object.assign(new Error("ENOENT: open '/a/b/c'"), { code: 'ENOENT', syscall: 'open' });
  t.like(toldError(system, '/a/b'), { code: 'MODEL_INVALID', message: 'its files could not be read: ENOENT' });
  t.is(toldError(new TypeError('/a/b is undefined'), '/a/b').code, 'INTERNAL');
});
