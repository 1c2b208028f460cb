// Figures and names as the page shows them, failures with a way on, and the line for a shell.

import test from 'ava';
import { failureOf, isBusy } from '../../src/page/advice.js';
import { curlLine, inferLine } from '../../src/page/curl.js';
import { modelPath, ServerError } from '../../src/page/protocol.js';
import { bytesText, counted, percent, roughPercent, shortened, visible, withoutCommonStart } from '../../src/page/wording.js'; // prettier-ignore
import { percent as reported, roughPercent as roughlyReported } from '../../src/evaluation/wording.js';

test('shares read as they do in the report', t => {
  for (const share of [0, 1e-7, 0.0004, 0.02, 0.5, 0.94118, 0.9995, 0.999999, 1]) {
    t.is(percent(share), reported(share));
    t.is(roughPercent(share), roughlyReported(share));
  }
  t.is(percent(NaN), '–');
});

test('counts and sizes', t => {
  t.is(counted(1, 'picture'), '1 picture');
  t.is(counted(12345, 'label'), '12,345 labels');
  t.is(bytesText(1), '1 byte');
  t.is(bytesText(20 * 1024 * 1024), '20 MiB');
  t.is(bytesText(18_842), '18.4 KiB');
});

test('what does not show itself is shown: controls, marks of direction, half characters', t => {
  t.is(visible('a\u0000b\n\u202egnp.exe\u2066\ud83d!'), 'a\\u0000b\\u000a\\u202egnp.exe\\u2066\\ud83d!');
  t.is(visible('שלום 👩‍👩‍👧‍👦 é'), 'שלום 👩‍👩‍👧‍👦 é');
});

test('names are cut between characters', t => {
  t.is(shortened('abc', 3), 'abc');
  t.is(shortened('👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦', 2), '👩‍👩‍👧‍👦…');
});

test('members are called by what tells them apart', t => {
  t.deepEqual(withoutCommonStart(['/data/run/members/1', '/data/run/members/2']), ['members/1', 'members/2']);
  t.deepEqual(withoutCommonStart(['run@last', 'run@best']), ['last', 'best']);
  t.deepEqual(withoutCommonStart(['squeezenet', 'squeezer']), ['squeezenet', 'squeezer']);
  t.deepEqual(withoutCommonStart(['one']), ['one']);
});

test('failures carry the code and the number of the request, and say what to do', t => {
  const failure = failureOf(new ServerError(400, 'IMAGE_CORRUPT', 'image 0: cut short', 'r-9'));
  t.is(failure.code, 'IMAGE_CORRUPT');
  t.is(failure.requestId, 'r-9');
  t.is(failure.message, 'Cut short.');
  t.false(failure.canTryAgain);
  t.true(failureOf(new ServerError(503, 'QUEUE_FULL', 'busy')).canTryAgain);
  t.regex(failure.advice, /save it anew/);
  t.regex(failureOf(new ServerError(500, 'INTERNAL', 'failed')).advice, /log/);
  t.is(failureOf(new TypeError('x')).code, 'PAGE');
  t.true(isBusy(new ServerError(503, 'QUEUE_FULL', '')));
  t.true(isBusy(new ServerError(429, 'RATE_LIMITED', '')));
  t.false(isBusy(new ServerError(503, 'DRAINING', '')));
  t.false(isBusy(new ServerError(504, 'RUN_TIMEOUT', '')));
});

test('the line for a shell quotes what a shell would read', t => {
  t.is(
    curlLine('http://127.0.0.1:8000', { name: 'bees', version: '2' }, true, true),
    `curl -H "Authorization: Bearer $GRAFT_KEY" -F image=@picture.jpg 'http://127.0.0.1:8000/v1/models/bees/versions/2/predict?top=5&members=1'`,
  );
  t.is(
    curlLine("http://o'host", { name: 'a b' }, false, false),
    `curl -F image=@picture.jpg 'http://o'\\''host/v1/models/a%20b/predict?top=5'`,
  );
  const model = { name: 'add' };
  t.is(
    inferLine('http://h', model, [{ name: "it's", datatype: 'FP32', shape: [-1, 2] }], false),
    `curl -H 'content-type: application/json' -d '{"inputs":[{"name":"it'\\''s","datatype":"FP32","shape":[1,2],"data":[0,0]}]}' 'http://h/v2/models/add/infer'`,
  );
  t.true(inferLine('http://h', model, [{ name: 'x', datatype: 'INT8', shape: [9, 9] }], false)!.includes('"data":[…]'));
  t.is(inferLine('http://h', model, [{ name: 'x', datatype: 'FP16', shape: [1] }], false), undefined);
  t.is(modelPath('/v2', { name: '../x' }), '/v2/models/..%2Fx');
});
